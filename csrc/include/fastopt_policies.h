/* fastopt_policies.h: steps of reinforcement learning: what was done, how good it turned out to be, and what policies and values learn from it.  A
 * part of fastopt.h, used by losses/_policies; what the kernels compute is in csrc/policies. */
#ifndef FASTOPT_POLICIES_H
#define FASTOPT_POLICIES_H

/* n steps of a policy.  Of all losses here the gradient is that of factor times the weighted sum. */
typedef struct {
    ptrdiff_t n, k;          /* steps; actions to choose from, or numbers that an action has */
    const void *advantage;   /* (n,), or NULL: 1 */
    const void *old;         /* (n,) log-probabilities of the actions when they were chosen; NULL: the policy gradient, without a ratio */
    const void *weight;      /* (n,), or NULL */
    double factor, clip, entropy;
} fo_policy;

/* Actions of k numbers, and normal distributions of them; rows of log_std lie std_stride apart, k, or 0 where all steps share one. */
typedef struct {
    const void *actions, *mean, *log_std;
    ptrdiff_t std_stride;
} fo_normal;

/* n steps and the values of what k actions are expected to bring. */
typedef struct {
    fo_loss loss;
    ptrdiff_t n, k;
    const void *actions, *rewards, *ends; /* (n,); ends: 1 where nothing follows */
    const void *next, *chooser;           /* (n, k), values of what follows, and those by which an action is chosen there, which may be the same */
    const void *weight;                   /* (n,), or NULL */
    double discount, factor;
} fo_transitions;

typedef struct {
    /* 1 if all of n numbers are those of actions, 0 … k − 1 */
    int (*actions)(ptrdiff_t n, ptrdiff_t k, const void *actions);
    /* Sums of the weighted losses.  values (n,): each of them, or NULL.  Gradients have rows `stride` apart, 0 where all may go into one. */
    /* p (n, k): scores, of which the softmax is the policy */
    double (*categorical)(const fo_policy *s, const void *actions, const void *p, void *values, void *grads, ptrdiff_t stride);
    /* rows of g_log_std lie apart as those of log_std; a shared one has its gradient in sums (k,), which are added to, and g_log_std is scratch */
    double (*normal)(const fo_policy *s, const fo_normal *a, void *values, void *g_mean, void *g_log_std, ptrdiff_t stride, double *sums);
    /* The loss of n values p, or, if it is larger, that of values that have moved by `clip` at most from old (NULL: it is not looked at). */
    double (*value_function)(const fo_loss *loss, ptrdiff_t n, double clip, const void *y, const void *p, const void *old, const void *weight,
                             double factor, void *values, void *grads);
    /* The loss of the value of the action that was taken beside the reward and what may follow; errors (n,): how much better that is, or NULL.
     * nan if a value of what follows is not finite.  grads (n, k), or NULL. */
    double (*q_values)(const fo_transitions *s, const void *p, void *values, void *grads, void *errors);
    /* rewards, ends, out (steps, n); last (n,) behind the last step */
    void (*discounted)(ptrdiff_t steps, ptrdiff_t n, double discount, const void *rewards, const void *ends, const void *last, void *out);
    void (*advantages)(ptrdiff_t steps, ptrdiff_t n, double discount, double trace, const void *rewards, const void *values, const void *ends,
                       const void *last, void *out);
} fo_policy_kernels;

#endif
