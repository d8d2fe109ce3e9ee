/* fastopt_images.h: losses of images, a plane of pixels at a time: a channel of an image.  A part of fastopt.h, used by
 * losses/_images/_planes.pyx; what the kernels compute is in csrc/images. */
#ifndef FASTOPT_IMAGES_H
#define FASTOPT_IMAGES_H

/* A plane, row after row, and what the losses want to know. */
typedef struct {
    ptrdiff_t height, width;
    int isotropic;       /* total variation: of both directions together */
    double eps;          /* … differences below are smoothed */
    ptrdiff_t taps;      /* similarity: elements of the window along each side, at most height and width */
    const void *window;  /* … (taps,), whose products are the weights; their sum is 1 */
    double c1, c2;       /* … what keeps quotients of means and of variances from 0 */
} fo_plane;

typedef struct {
    /* The sum over pixels; grads: factor times its derivative, NULL: it is not wanted. */
    double (*variation)(const fo_plane *s, double factor, const void *x, void *scratch, void *grads);
    ptrdiff_t (*variation_scratch)(const fo_plane *s); /* elements */
    /* The sum over all windows inside of the plane of the similarity of x to y; grads: factor times its derivative in x, or NULL. */
    double (*similarity)(const fo_plane *s, double factor, const void *y, const void *x, void *scratch, void *grads);
    ptrdiff_t (*similarity_scratch)(const fo_plane *s); /* elements */
} fo_image_kernels;

#endif
