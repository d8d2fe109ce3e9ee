/* cox.h: the partial likelihood of Cox's proportional hazards (Cox 1972) over the subjects of a stratum, from the largest time down, ties as Breslow
 * (1974) or Efron (1977) has them.  Sums are doubles; those over the subjects at risk are kept over their largest term, and logarithms of
 * them: nothing overflows, whatever the scores.
 *
 * A time has d events, with weights of the mean w.  At risk is S = Σ weight·exp(p) of all whose time is not less, D of it those with an event then.
 * Efron's share of step l is S − l/d·D for l = 0 … d − 1; Breslow's is S each time.  The loss of the time is w·Σ_l log share_l − Σ weight·p. */
#ifndef FO_COX_ONCE
#define FO_COX_ONCE

/* What a time with events leaves behind: log S, D/S, and the same sums of weight·exp(p)·v over S. */
typedef struct { double log_risk, dying, mean, mean_dying; } cox_time;

/* sums over those at risk so far, over exp(top) */
typedef struct { double top, risk, moment; } cox_risk;

/* Of a subject at risk at the times so far: Σ 1/share, Σ mean/share, Σ 1/share² of all steps, times weights; over exp(−log_risk), or its square. */
typedef struct { double log_risk, first, product, second; } cox_hazard;

/* the step l of d events at a time: the share over S, and what of those with an event still counts */
typedef struct { double share, counts; } cox_step;

FO_INLINE cox_step cox_step_of(const fo_cox *c, const cox_time *t, double l, double events) {
    const double gone = c->efron ? l / events : 0;
    return (cox_step){1 - gone * t->dying, 1 - gone};
}

/* one more time for those at risk: `counts` 1 for those who live on, else of each step */
FO_INLINE void cox_add(const fo_cox *c, const cox_time *t, double events, double weight, int dies, cox_hazard *h) {
    for (double l = 0; l < events; l++) {
        const cox_step step = cox_step_of(c, t, l, events);
        const double counts = dies ? step.counts : 1, first = weight * counts / step.share;
        h->first += first;
        h->product += first * (t->mean - (1 - step.counts) * t->mean_dying) / step.share;
        h->second += first * counts / step.share;
    }
}

/* what was found, over exp(−log_risk) of the next time with events, which is later: fewer are at risk */
FO_INLINE void cox_rescale(double log_risk, cox_hazard *h) {
    const double factor = h->log_risk == INFINITY ? 0 : exp(log_risk - h->log_risk);
    h->log_risk = log_risk;
    h->first *= factor;
    h->product *= factor;
    h->second *= factor * factor;
}

/* the subjects from `begin` on that have its time: where they end; how many have an event, and the sum of their weights */
FO_INLINE ptrdiff_t cox_ties(const fo_cox *c, ptrdiff_t begin, double *events, double *sum) {
    ptrdiff_t end = begin;
    *events = *sum = 0;
    for (; end < c->n && c->time[end] == c->time[begin]; end++) {
        const int dies = c->event[end] && c->weight[end] > 0;
        *events += dies;
        *sum += dies ? c->weight[end] : 0;
    }
    return end;
}
#endif

/* all of a time are at risk now; what it leaves behind */
FO_INLINE cox_time F(cox_enter)(const fo_cox *c, ptrdiff_t begin, ptrdiff_t end, const real *p, cox_risk *r) {
    double top = r->top, dying = 0, moment = 0;
    for (ptrdiff_t i = begin; i < end; i++) top = c->weight[i] > 0 && (double)p[i] > top ? (double)p[i] : top;
    if (top > r->top) {
        const double factor = exp(r->top - top);
        r->risk *= factor;
        r->moment *= factor;
        r->top = top;
    }
    for (ptrdiff_t i = begin; i < end; i++) {
        const double risk = c->weight[i] > 0 ? c->weight[i] * exp((double)p[i] - top) : 0, product = c->v ? risk * c->v[i] : 0;
        r->risk += risk;
        r->moment += product;
        dying += c->event[i] ? risk : 0;
        moment += c->event[i] ? product : 0;
    }
    return (cox_time){top + log(r->risk), dying < r->risk ? dying / r->risk : 1, r->moment / r->risk, moment / r->risk};
}

/* the losses of the subjects with an event at a time: each has its share of the time's logarithms */
FO_INLINE void F(cox_losses)(const fo_cox *c, const cox_time *t, ptrdiff_t begin, ptrdiff_t end, double events, const real *p,
                             double *losses) {
    double logs = events * t->log_risk;
    for (double l = 1; l < events && c->efron; l++) logs += log(cox_step_of(c, t, l, events).share);
    for (ptrdiff_t i = begin; i < end; i++)
        losses[i] = c->event[i] && c->weight[i] > 0 ? c->weight[i] * (logs / events - (double)p[i]) : 0;
}

/* The derivatives of the subjects of a time, at risk at the times before and at this one, as far as they are wanted. */
FO_INLINE void F(cox_slopes)(const fo_cox *c, ptrdiff_t begin, ptrdiff_t end, const real *p,
                             const cox_hazard *lives, const cox_hazard *dies, const fo_cox_out *out) {
    for (ptrdiff_t i = begin; i < end; i++) {
        const int event = c->event[i] && c->weight[i] > 0;
        const cox_hazard *h = event ? dies : lives;
        const double risk = c->weight[i] > 0 && h->log_risk < INFINITY ? c->weight[i] * exp((double)p[i] - h->log_risk) : 0;
        if (out->grads) out->grads[i] = risk * h->first - (event ? c->weight[i] : 0);
        if (out->product) out->product[i] = risk * (h->first * (c->v ? c->v[i] : 0) - h->product);
        if (out->diagonal) out->diagonal[i] = risk * (h->first - risk * h->second);
    }
}

FO_KERNEL void F(cox)(const fo_cox *c, const void *p, const fo_cox_out *out) {
    cox_time *times = (cox_time *)out->scratch;
    cox_risk risk = {-INFINITY, 0, 0};
    cox_hazard hazard = {INFINITY, 0, 0, 0};
    double events, sum;
    ptrdiff_t n_times = 0;
    for (ptrdiff_t begin = 0, end; begin < c->n; begin = end) {
        end = cox_ties(c, begin, &events, &sum);
        times[n_times] = F(cox_enter)(c, begin, end, p, &risk);
        if (out->losses) F(cox_losses)(c, &times[n_times], begin, end, events, p, out->losses);
        n_times++;
    }
    if (!out->grads && !out->product && !out->diagonal) return;
    for (ptrdiff_t end = c->n, begin; end > 0; end = begin) { /* from the smallest time up */
        for (begin = end - 1; begin > 0 && c->time[begin - 1] == c->time[end - 1];) begin--;
        cox_ties(c, begin, &events, &sum);
        const cox_time *t = &times[--n_times];
        if (events > 0) cox_rescale(t->log_risk, &hazard);
        cox_hazard dies = hazard;
        if (events > 0) {
            cox_add(c, t, events, sum / events, 1, &dies);
            cox_add(c, t, events, sum / events, 0, &hazard);
        }
        F(cox_slopes)(c, begin, end, p, &hazard, &dies, out);
    }
}
