/* fastopt.h: the C interface.  What crosses between the hot loops (Cython, or any C program) and the kernels: the enums,
 * the structs and the table of kernels of each instruction set.  Kernels work on one block of rows or elements, never
 * allocate, print or fail, and know neither Python nor threads.
 *
 * Vocabulary: X (n, d) data, x one row, y target, p raw prediction, w weights, b intercept, k outputs (classes),
 * lr learning rate, t step.  Order of arguments: kind, sizes, const inputs, in/out, outputs.
 * Arrays typed `const void *` hold float in the f32 table and double in the f64 table. */
#ifndef FASTOPT_H
#define FASTOPT_H

#include <stddef.h>
#include <stdint.h>

#include "lists.h"

/* ---- kinds: FO_LOSS_huber, FO_PENALTY_l2, FO_SCHEDULE_optimal ... in the order of lists.h ---- */
#define FO_ENUM_LOSS(name, target) FO_LOSS_##name,
#define FO_ENUM_PENALTY(name, where) FO_PENALTY_##name,
#define FO_ENUM_RULE(name, states, sums) FO_RULE_##name,
#define FO_ENUM_MATRIX_RULE(name) FO_RULE_##name,
#define FO_ENUM_SCHEDULE(name, first) FO_SCHEDULE_##name,
enum fo_loss_kind { FO_LOSSES(FO_ENUM_LOSS) FO_N_LOSSES, FO_BEFORE_COUPLED = FO_N_LOSSES - 1, FO_COUPLED_LOSSES(FO_ENUM_LOSS) FO_OWN_LOSSES(FO_ENUM_LOSS) };
enum fo_penalty_kind { FO_PENALTIES(FO_ENUM_PENALTY) FO_N_PENALTIES };
enum fo_schedule_kind { FO_SCHEDULES(FO_ENUM_SCHEDULE) FO_N_SCHEDULES };
enum fo_rule_kind { FO_RULES(FO_ENUM_RULE) FO_MATRIX_RULES(FO_ENUM_MATRIX_RULE) FO_N_RULES };
/* over what the first pass of a rule sums */
enum fo_rule_sums { FO_SUMS_none, FO_SUMS_array, FO_SUMS_group };
/* how the moments of a rule are kept; the elements that share a scale */
enum fo_packing { FO_UNPACKED, FO_BFLOAT16, FO_EIGHT_BITS };
enum { FO_PACK = 256 };
enum { FO_STATES = 4, FO_CARRIES = 4 }; /* arrays of state a rule has at most, numbers it carries from step to step */

/* How X lies in memory. */
enum fo_layout { FO_DENSE, FO_CSR32, FO_CSR64 };
/* How a number of X is stored: in the type of the computation, or, beside float, in float16 or an integer of 8 bits. */
enum fo_element { FO_REAL, FO_FLOAT16, FO_INT8, FO_UINT8 };

/* A loss that a user wrote: its value at one point, and its first and second derivatives in p there, by one of the first two functions; and the
 * first derivative alone, by one of the others, or by none.  Several threads may call them at once. */
typedef struct {
    double (*plain)(double y, double p, double *derivatives);
    double (*with_data)(double y, double p, double *derivatives, void *data);
    double (*slope)(double y, double p);
    double (*slope_with_data)(double y, double p, void *data);
    void *data, *slope_data;
} fo_own_loss;

/* A loss and its parameters; a loss says in csrc/losses/losses.h what a and b mean to it. */
typedef struct {
    int kind;               /* enum fo_loss_kind */
    double a, b;            /* its parameters, 0 where it has none */
    const fo_own_loss *own; /* of FO_OWN_LOSSES; else NULL */
} fo_loss;

/* A loss of how rows overlap with their targets: what false positives and false negatives count, or, squared, Dice's of squares; and what is
 * added to both sides of the fraction. */
typedef struct {
    double alpha, beta, smooth;
    int squared;
} fo_overlap;

/* Whether it is a loss of all predictions of a row together. */
static inline int fo_couples(const fo_loss *loss) { return loss->kind >= FO_N_LOSSES && !loss->own; }

/* A penalty alpha·(l1_ratio·‖w‖₁ + (1 − l1_ratio)/2·‖w‖₂²); none, l2 and l1 fix l1_ratio. */
typedef struct {
    int kind; /* enum fo_penalty_kind */
    double alpha, l1_ratio;
} fo_penalty;

/* A learning-rate schedule of the step t; lists.h says whether t starts from 0 or 1, schedules.h which fields each reads. */
typedef struct {
    int kind; /* enum fo_schedule_kind */
    double lr;      /* eta0: the first rate, the lowest of `cyclic`; C of the passive-aggressive schedules */
    double power_t; /* exponent */
    double alpha;   /* strength of the penalty, for `optimal` */
    double t0;      /* offset of `optimal` */
    double steps;   /* steps of a decay, or of a (first) cycle */
    double rate;    /* what a decay or a cycle multiplies by */
    double end;     /* the last rate */
    double peak, middle; /* the highest rate; the one between the second and the third part of `one_cycle` */
    double turn, back;   /* step at which the rate is at its peak; step at which it is at `middle` */
    int stairs;     /* powers of `rate` change by whole decays or cycles, not with every step */
    int linear;     /* `one_cycle` goes along straight lines, not half cosines */
} fo_schedule;

/* X, used where it lies.  Dense rows have unit stride between elements (others are packed first, see pack_rows). */
typedef struct {
    int layout;         /* enum fo_layout */
    ptrdiff_t n, d;     /* rows, columns */
    const void *data;   /* dense: the first element; CSR: the values */
    ptrdiff_t stride;   /* dense: elements from one row to the next */
    const void *indices; /* CSR: column of each value, int32_t or int64_t by layout */
    const void *indptr;  /* CSR: n + 1 offsets into data, of the same type */
    int element;         /* enum fo_element; only objective_rows.h knows others than FO_REAL */
} fo_matrix;

/* Which of FO_MARKS columns have values, and how many columns before them do (csrc/sgd/touched_columns.h). */
#define FO_MARKS 32
typedef struct {
    uint32_t bits;
    int32_t before;
} fo_marks;

/* A block of samples in the order in which they are visited. */
typedef struct {
    ptrdiff_t n;          /* samples in the block */
    const int32_t *rows;  /* (n,) row of X of each */
    const void *y;        /* (n, k) targets */
    const void *weight;   /* (n,) sample weights, or NULL */
    const double *lr;     /* (n,) learning rate of each step */
    double t;             /* step of the first sample */
    void *p;              /* (n, k) scratch */
    ptrdiff_t bytes_ahead; /* bytes of rows to come that are under way from memory; 0: as suits most processors */
} fo_block;

/* What stays constant over a fit by per-sample SGD. */
typedef struct {
    fo_loss loss;
    fo_penalty penalty;
    fo_schedule schedule;
    int counts_penalty;      /* penalty_sum is wanted: there is a penalty, and the schedule is not passive-aggressive */
    int one_class;           /* the one-class SVM: b is also pulled by −lr·alpha */
    double l2, l1;           /* alpha·(1 − l1_ratio), alpha·l1_ratio */
    double intercept_share;  /* b moves by this share of its step: 1, 0.01 for CSR, 0 without intercept */
    double average;          /* average the weights from this step on; 0: never */
} fo_sgd;

/* The state of one output (a class, or the one target).  True weights are scale·w, true averages (w_avg + avg_a·w)/avg_b. */
typedef struct {
    double b, b_avg;       /* intercept, averaged intercept */
    double scale;          /* lazy factor of w */
    double avg_a, avg_b;   /* lazy factors of the average (Bottou 2012) */
    double l1_sum;         /* L1 penalty that each weight could have received so far (Tsuruoka 2009) */
    double lr_factor;      /* what `adaptive` has left of the learning rate */
    double sq_norm, l1_norm; /* ‖w‖₂² and ‖w‖₁ of the unscaled w, as the stopping criterion sees them */
    double class_weight[2]; /* of y <= 0 and of y > 0: an array, as a branch on y cannot be predicted */
    double loss_sum;       /* in/out: sum of the losses */
    double penalty_sum;    /* in/out: sum of the penalties, one a sample */
} fo_output;

/* The state of k outputs.  Weight of feature f in output j: w[j·output_stride + f·feature_stride]: whole vectors of one
 * output beside dense rows (feature_stride 1, rows 64-byte aligned and padded with zeros to whole vectors); all outputs of
 * one feature side by side for CSR (output_stride 1, padded to whole vectors unless single_output). */
typedef struct {
    ptrdiff_t k;
    int single_output; /* the model has one output: loops of its own, whose bits differ from those for one of many */
    ptrdiff_t output_stride, feature_stride;
    void *w;         /* weights */
    void *w_avg;     /* sums of the averaged weights, or NULL */
    void *q;         /* L1 penalty that each weight has received, or NULL without l1 */
    fo_output *o;    /* (k,) */
    void *p, *z, *g, *c; /* scratch of k elements each, 64-byte aligned, padded with zeros to whole vectors */
    int nonfinite;         /* in/out: becomes 1 with a prediction that is not finite */
} fo_outputs;

/* The settings of an update rule, named as in Python; csrc/rules/rules*.h say what a, b, c, d and flag mean to each rule. */
typedef struct {
    int kind;            /* enum fo_rule_kind */
    int flag;
    double lr;           /* of this step */
    double beta1, beta2, beta3, eps, momentum, dampening;
    double l2;           /* weight decay by the gradient: g + l2·w */
    double decay;        /* decoupled weight decay: (1 − lr·decay)·w */
    double l1;           /* proximal step: |w| shrinks by l1 times the learning rate that this weight sees */
    double clip;         /* gradients are clipped to [−clip, clip] */
    double a, b, c, d;
} fo_rule;

/* What a step takes from the rule, folded once: the same for all elements.  Neutral: 1 for scale and decay_factor, else 0. */
#define FO_COEFS(X) \
    X(scale) /* of the gradient: −1 to maximize, less than 1 where its norm is clipped */ \
    X(clip) X(l2) X(decay_factor) X(l1) \
    X(rate) X(beta1) X(one_minus_beta1) X(beta2) X(one_minus_beta2) X(root) X(eps) X(a) X(b) X(c) X(d)
#define FO_COEF(name) double name;
typedef struct { FO_COEFS(FO_COEF) } fo_coefs;
#undef FO_COEF
typedef struct {
    int kind;
    fo_coefs h;
} fo_step;

/* alpha·A·B + beta·D of small matrices.  A (rows, depth) has element (i, k) at a[i·a_row + k·a_column]; B (depth, ·), D and the result
 * (rows, ·) have rows of `stride` elements, whole vectors of 64 bytes. */
typedef struct {
    ptrdiff_t rows, depth, stride, a_row, a_column;
    double alpha, beta;
} fo_product;

#include "fastopt_batch.h"
#include "fastopt_hessian.h"
#include "fastopt_penalty.h"
#include "fastopt_objective.h"
#include "fastopt_chains.h"
#include "fastopt_limits.h"
#include "fastopt_sequences.h"
#include "fastopt_policies.h"
#include "fastopt_ranking.h"
#include "fastopt_pairs.h"
#include "fastopt_likelihoods.h"
#include "fastopt_images.h"
#include "fastopt_network.h"

/* The kernels of one instruction set and one element type. */
typedef struct {
    /* values[i] = loss(y[i], p[i]) and grads[i] = its derivative in p, times weight[i] where given, times factor;
     * either output may be NULL.  y of margin losses is in {0, 1}.  Returns the sum of the weighted values. */
    double (*loss_block)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p, const void *weight,
                         double factor, void *values, void *grads);
    /* One SGD step a sample over a block. Returns the step after the last. */
    double (*sgd_rows)(const fo_sgd *sgd, const fo_matrix *X, const fo_block *block, fo_outputs *out);
    /* Fold the lazy factors into the d weights of each output. */
    void (*sgd_settle)(ptrdiff_t d, fo_outputs *out);
    /* p[i, j] = X[rows[i]]·w[j] + b[j]; rows NULL: 0 … n − 1. w (k, w_stride). */
    void (*predict_rows)(const fo_matrix *X, ptrdiff_t n, ptrdiff_t k, const int32_t *rows, const void *w,
                         ptrdiff_t w_stride, const void *b, void *p);
    /* out[i, j] = data[rows[i]·row_stride + j·column_stride], strides in bytes, data of any alignment. */
    void (*pack_rows)(ptrdiff_t n, ptrdiff_t d, const void *data, ptrdiff_t row_stride, ptrdiff_t column_stride,
                      const int32_t *rows, void *out);
    /* lr[i] = schedule(t + i). */
    void (*lr_block)(const fo_schedule *schedule, ptrdiff_t n, double t, double *lr);
    /* 1 if all of x is finite. */
    int (*all_finite)(ptrdiff_t n, const void *x);
    /* grads as loss_block, at the cost of the gradient alone. */
    void (*loss_grad_block)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p, const void *weight,
                            double factor, void *grads);
    /* 1 if all of y is in the domain of the loss's targets, y of margin losses in {0, 1}, and all of p is finite. */
    int (*loss_accepts)(const fo_loss *loss, ptrdiff_t n, const void *y, const void *p);
    /* p ← softmax(p) of each of n samples; p (k, n). */
    void (*softmax)(ptrdiff_t n, ptrdiff_t k, void *p);
    /* The losses (n,) of n rows of k, 0 <= y <= 1; grads (n, k), or NULL, = factor·weight·loss'; weight (n,) or NULL. */
    void (*overlap)(const fo_overlap *overlap, ptrdiff_t n, ptrdiff_t k, const void *y, const void *p, const void *weight, double factor,
                    void *values, void *grads);
    /* The step t of a rule, gradients scaled by `scale` first; carry (FO_CARRIES,) goes on from step to step. */
    void (*rule_fold)(const fo_rule *rule, double t, double scale, double *carry, fo_step *step);
    /* For a rule with sums, after step_sums over all arrays that they are over; sums[2]: how many weights those have. */
    void (*rule_finish)(const fo_rule *rule, const double *sums, double *carry, fo_step *step);
    /* The first pass of a rule with sums: adds to sums[0] and sums[1], moves the state. */
    void (*step_sums)(const fo_step *step, ptrdiff_t n, const void *g, const void *w, void *const *state, double *sums);
    /* One step of n weights with gradients g; state: as many arrays like w as the rule has. 1 if they end up finite. */
    int (*step)(const fo_step *step, ptrdiff_t n, const void *g, void *w, void *const *state);
    /* One step of some rows of w (·, width) and of its state; g (n, width). */
    int (*step_rows)(const fo_step *step, ptrdiff_t n, ptrdiff_t width, const int64_t *rows, const void *g, void *w,
                     void *const *state);
    /* One step of a rule of FO_PACKED_RULES with packed moments: state holds those of the rule and, for 8 bits, their scales at 2 and 3.
     * place: of the first weight in its array, a multiple of FO_PACK; with the step t it seeds the rounding. */
    int (*step_packed)(const fo_step *step, int packing, ptrdiff_t n, ptrdiff_t place, double t, const void *g, void *w,
                       void *const *state);
    /* The passes of adafactor over n rows of d columns (csrc/rules/matrix_rules.h).  First: row[i] = Σ_j g², columns[j] += Σ_i g²;
     * returns Σ w².  Then the moments of rows and columns, whose mean it returns.  Then, with those: Σ of the squared steps,
     * and the step; 1 if w is finite. */
    double (*factor_sums)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, const void *w, void *row, void *columns);
    double (*factor_moments)(const fo_step *step, ptrdiff_t chunks, ptrdiff_t n, ptrdiff_t d, const void *row, void *columns,
                             void *row_moment, void *column_moment);
    double (*factor_squares)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, const void *w, const void *row,
                             const void *column, double mean);
    int (*factor_step)(const fo_step *step, ptrdiff_t n, ptrdiff_t d, const void *g, void *w, const void *row,
                       const void *column, double mean);
    /* out ← alpha·A·B + beta·D, see fo_product; D NULL: without it. */
    void (*product)(const fo_product *p, const void *a, const void *b, const void *d, void *out);
    /* The passes of muon over a matrix of `rows` rows as they lie in memory (csrc/rules/orthogonal.h).  x: its direction, before it is
     * made orthogonal, of norm 1; then the next weights, 1 if they are finite; then those into w, and the mean of gradients into m. */
    void (*muon_direction)(const fo_step *step, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const void *g, const void *m,
                           void *x);
    int (*muon_weights)(const fo_step *step, double rate, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t stride, const void *x,
                        const void *w, void *next);
    void (*muon_move)(const fo_step *step, ptrdiff_t n, const void *g, const void *next, void *w, void *m);
    /* Σ g²; infinite or nan if and only if some element is, or if the sum exceeds a double. */
    double (*square_sum)(ptrdiff_t n, const void *g);
    /* p[block·p_stride + i·k + j] = x_i·w_j over the columns of each block of the chunk. */
    void (*batch_products)(const fo_matrix *X, const fo_chunk *chunk, const void *w, ptrdiff_t p_stride, void *p);
    /* g_j += Σ_i c[i, j]·x_i over the columns of the chunk's blocks. */
    void (*batch_gradient)(const fo_matrix *X, const fo_chunk *chunk, const void *c, void *g);
    /* p[i, j] = Σ sums[block·stride + i·k + j] + b[j], c = factor·weight[i]·class weight·loss'(y, p), g_b[j] += Σ_i c[i, j]. */
    void (*batch_errors)(const fo_errors *errors, ptrdiff_t n, ptrdiff_t blocks, ptrdiff_t stride, const void *sums,
                         const void *y, const void *weight, double factor, void *p, void *c, double *g_b);
    /* The sum of the losses, the mean over outputs of each row; uses p (n, k) up. */
    double (*batch_values)(const fo_errors *errors, ptrdiff_t n, const void *y, void *p);
    /* mean += share·(w − mean) */
    void (*average)(ptrdiff_t n, double share, const void *w, void *mean);
    /* sum += Σ weight·(x − origin), over the rows, of `width` columns from `first` on; origin, sum (width,). */
    void (*column_sums)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, ptrdiff_t first,
                        ptrdiff_t width, const double *origin, double *sum);
    /* sum1 += Σ weight·|x − centre|, sum2 += Σ weight·(x − centre)². */
    void (*column_spread)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, ptrdiff_t first,
                          ptrdiff_t width, const double *centre, double *sum1, double *sum2);
    /* CSR: Σ weight·x, Σ weight·|x| and Σ weight·x² over the stored values; sums (d,). */
    void (*column_stored)(const fo_matrix *X, ptrdiff_t n, const int32_t *rows, const double *weight, double *sum,
                          double *sum1, double *sum2);
    /* mean += share·(origin + sum/weight − mean), sum = 0. */
    void (*column_means)(ptrdiff_t n, double weight, double share, const double *origin, double *sum, double *mean);
    /* One step of n weights of output j, with the inverse sizes r of their columns; g is set to 0. */
    void (*auto_dense)(const fo_auto *a, ptrdiff_t j, ptrdiff_t n, const void *r, void *g, void *V, void *w, void *mean);
    /* Adds the columns of the rows of a chunk to the n in `touched` (room for one more), each once; returns how many. */
    ptrdiff_t (*auto_touch)(const fo_matrix *X, const fo_chunk *chunk, ptrdiff_t n, unsigned char *seen, ptrdiff_t *touched);
    /* One step of n columns, and what they missed; g and seen are set to 0 there. */
    void (*auto_columns)(const fo_auto *a, ptrdiff_t n, const ptrdiff_t *touched, unsigned char *seen, const void *r, void *g,
                         fo_auto_columns *columns);
    /* What the d columns have missed up to step t; g is 0. */
    void (*auto_settle)(const fo_auto *a, ptrdiff_t d, const void *r, void *g, fo_auto_columns *columns);
    /* Adds the sum of the losses of each output; uses p (n, k) up. */
    void (*auto_losses)(const fo_errors *errors, ptrdiff_t n, const void *y, void *p, double *sums);
    /* One step of the intercepts. */
    void (*auto_intercepts)(const fo_auto *a, const double *g, double *V, double *b, double *mean);
    /* Whether the steps of a rule without gradients can be put off, and the next one be the last that is. */
    int (*lazy_accepts)(const fo_rule *rule);
    /* Bring the columns of the chunk's rows up to date, and add them to those of the batch. */
    void (*lazy_touch)(const fo_matrix *X, const fo_chunk *chunk, fo_lazy *lazy, void *w, void *const *state);
    /* out[i] = g[columns[i]], which is 0 from then on; g (d, k), out (n, k). */
    void (*lazy_take)(const fo_lazy *lazy, void *g, void *out);
    /* The batch's columns have taken this step. */
    void (*lazy_note)(const fo_step *step, fo_lazy *lazy);
    /* Bring all d columns up to date. */
    void (*lazy_settle)(ptrdiff_t d, fo_lazy *lazy, void *w, void *const *state);
    fo_descent_kernels descent;
    fo_objective_kernels objective;
    fo_chain_kernels chains;
    /* Adds to the sum what the gradient is that of: the losses of all outputs, weighted; p stays, scratch (n, k). */
    void (*batch_objective)(const fo_errors *errors, ptrdiff_t n, const void *y, const void *weight, const void *p,
                            void *scratch, double *sum);
    /* Adds the weighted outer products of a block of rows. */
    void (*hessian_rows)(const fo_matrix *X, const fo_gram *gram);
    /* The columns of CSR X that have values, in their order, and the place of each value's column among them; how many columns they are.
     * marks: scratch, d/FO_MARKS + 1; columns and places of the type of the indices, as many as there are values. */
    ptrdiff_t (*touched_columns)(const fo_matrix *X, fo_marks *marks, void *columns, void *places);
    fo_limit_kernels limits;
    fo_sequence_kernels sequences;
    fo_policy_kernels policies;
    fo_ranking_kernels ranking;
    fo_pair_kernels pairs;
    fo_likelihood_kernels likelihoods;
    fo_image_kernels images;
    fo_network_kernels network;
} fo_kernels;

typedef struct {
    const char *name; /* "base", "avx2", "avx512", "neon" */
    fo_kernels f32, f64;
} fo_table;

/* The table in use: chosen by cpuid when first asked for, FASTOPT_ISA in the environment overriding it. */
const fo_table *fo_active(void);
/* Use the named table from now on; 0 if it is not built in or the processor lacks it. */
int fo_use_isa(const char *name);
/* The i-th table that this processor can run, best first; NULL past the last. */
const fo_table *fo_available(int i);

/* Names in the order of the enums, NULL at the end; domain of the i-th loss's target ("real", "sign", "unit", …). */
extern const char *const fo_loss_names[], *const fo_loss_targets[];
extern const char *const fo_coupled_loss_names[], *const fo_coupled_loss_targets[]; /* their kinds follow those of the others */
extern const char *const fo_own_loss_targets[]; /* and theirs follow those */
extern const char *const fo_likelihood_names[];
extern const char *const fo_activation_names[];
extern const int fo_activation_sources[]; /* enum fo_slope_source */
extern const char *const fo_penalty_names[], *const fo_penalty_places[], *const fo_schedule_names[];
/* names of the rules, those of matrices behind the others; of the first: states (arrays), sums (enum fo_rule_sums) */
extern const char *const fo_rule_names[], *const fo_matrix_rule_names[];
extern const int fo_rule_states[], fo_rule_sums[];
extern const int fo_schedule_firsts[]; /* the number of the first step of each schedule */

#endif
