/* values.h: losses of what is expected: of values of states, which one step may move so far only (Schulman et al. 2017), and of values of actions
 * beside the reward and the value of what follows (Mnih et al. 2015, van Hasselt et al. 2016).  The loss of a difference is one of losses/losses.h. */

/* The derivative is 0 where what counts is the loss of a value that was held back. */
FO_INLINE F(derivatives) F(bounded_loss)(const fo_loss *loss, real clip, real y, real p, real old) {
    F(derivatives) l = F(loss_at)(loss, y, p);
    if (F(abs_)(p - old) <= clip) return l;
    const F(derivatives) held = F(loss_at)(loss, y, p > old ? old + clip : old - clip);
    if (held.value > l.value) l.value = held.value, l.grad = 0;
    return l;
}

FO_KERNEL double F(value_function)(const fo_loss *loss, ptrdiff_t n, double clip, const void *y_, const void *p_, const void *old, const void *weight,
                                   double factor, void *values_, void *gradient) {
    const real *y = y_, *p = p_;
    real *values = values_, *grads = gradient;
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        const real w = weight ? ((const real *)weight)[i] : 1;
        const F(derivatives) l = old ? F(bounded_loss)(loss, (real)clip, y[i], p[i], ((const real *)old)[i]) : F(loss_at)(loss, y[i], p[i]);
        const real value = F(weighed)(w, l.value);
        if (grads) grads[i] = F(weighed)((real)factor * w, l.grad);
        if (values) values[i] = value;
        sum += (double)value;
    }
    return sum;
}

/* the reward, and the value of the action that the chooser finds best in what follows; nan if a value there is not finite */
FO_INLINE real F(q_target)(const fo_transitions *s, ptrdiff_t i) {
    const real reward = ((const real *)s->rewards)[i], goes_on = 1 - ((const real *)s->ends)[i];
    if (goes_on == 0) return reward;
    const real *next = (const real *)s->next + i * s->k, *chooser = (const real *)s->chooser + i * s->k;
    if (!F(all_finite)(s->k, next) || !F(all_finite)(s->k, chooser)) return (real)NAN;
    ptrdiff_t best = 0;
    for (ptrdiff_t j = 1; j < s->k; j++) best = chooser[j] > chooser[best] ? j : best;
    return reward + (real)s->discount * goes_on * next[best];
}

FO_KERNEL double F(q_values)(const fo_transitions *s, const void *p, void *values_, void *gradient, void *errors_) {
    real *values = values_, *errors = errors_;
    double sum = 0;
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const ptrdiff_t action = (ptrdiff_t)((const real *)s->actions)[i];
        const real w = s->weight ? ((const real *)s->weight)[i] : 1, found = ((const real *)p)[i * s->k + action], target = F(q_target)(s, i);
        if (target != target) return NAN;
        const F(derivatives) l = F(loss_at)(&s->loss, target, found);
        const real value = F(weighed)(w, l.value);
        if (gradient) {
            real *g = (real *)gradient + i * s->k;
            memset(g, 0, (size_t)s->k * sizeof(real));
            g[action] = F(weighed)((real)s->factor * w, l.grad);
        }
        if (errors) errors[i] = target - found;
        if (values) values[i] = value;
        sum += (double)value;
    }
    return sum;
}
