/* fastopt_network.h: a layer of a neural network as its kernels see it.  A part of fastopt.h, used by neural_network/_engine; what the
 * kernels compute is in csrc/network. */
#ifndef FASTOPT_NETWORK_H
#define FASTOPT_NETWORK_H

#define FO_ENUM_ACTIVATION(name, from) FO_ACTIVATION_##name,
enum fo_activation_kind { FO_ACTIVATIONS(FO_ENUM_ACTIVATION) FO_N_ACTIVATIONS };
enum fo_slope_source { FO_SLOPE_OF_output, FO_SLOPE_OF_input };

/* A layer: out = activation(x·W + b) of some rows, and what its gradient takes.  Rows of activations, deltas and weights are `stride`
 * elements apart, whole vectors of 64 bytes, with zeros behind the last unit of weights and deltas: no kernel masks anything, and what is
 * behind stays 0.  Of an output of one unit rows have one element, and its weights lie one behind the other (out_stride 1). */
typedef struct {
    int activation;           /* enum fo_activation_kind */
    double alpha;             /* its parameter, where it has one */
    ptrdiff_t inputs, units;  /* units before it, and its own */
    ptrdiff_t in_stride, out_stride;
    const void *w;            /* (inputs, out_stride); of one unit (in_stride,) */
    const void *b;            /* (out_stride,) */
    void *transposed;         /* (units, in_stride), the copy of w that `backward` reads; of one unit w itself */
    void *w_gradient, *b_gradient; /* as w and b */
    const void *x;            /* (rows, in_stride) what comes in */
    void *z;                  /* (rows, out_stride) x·W + b, if the activation's slope is a function of that; else `a` */
    void *a;                  /* (rows, out_stride) what goes out */
    void *delta;              /* (rows, out_stride) derivatives of the loss in z */
    void *below;              /* (rows, in_stride) those in x: the delta of the layer before, without its slope; or NULL */
    int gated;                /* … with its slope, which is relu's */
    double dropout;           /* of x this share of the elements is 0, the others larger by 1/(1 − dropout); 0: none */
    uint32_t key;             /* … which ones: of each batch another */
    const void *whole;        /* … x as the layer before gave it; `x` may be written then, and be the same */
} fo_layer;

/* of rows, or inputs, first … last − 1 */
typedef struct {
    /* out[i] = row rows[i] of X, dense or CSR; of n rows `stride` apart.  So many are known, of which the next ones are asked for. */
    void (*gather)(const fo_matrix *X, ptrdiff_t n, ptrdiff_t known, const int32_t *rows, ptrdiff_t stride, void *out);
    /* z = x·W + b, a = activation(z) */
    void (*forward)(const fo_layer *layer, ptrdiff_t first, ptrdiff_t last);
    /* delta ← delta·slope */
    void (*slope)(const fo_layer *layer, ptrdiff_t first, ptrdiff_t last);
    /* below = delta·Wᵀ */
    void (*backward)(const fo_layer *layer, ptrdiff_t first, ptrdiff_t last);
    /* w_gradient = xᵀ·delta + l2·w over n rows, or, where it `adds`, w_gradient += xᵀ·delta; of inputs first … last − 1 (of one unit: whole
     * vectors of them), and with the first one b_gradient too */
    void (*gradient)(const fo_layer *layer, ptrdiff_t n, double l2, int adds, ptrdiff_t first, ptrdiff_t last);
    /* columns first … last − 1 of `transposed` */
    void (*transpose)(const fo_layer *layer, ptrdiff_t first, ptrdiff_t last);
} fo_network_kernels;

#endif
