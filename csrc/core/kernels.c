/* kernels.c: every kernel for float and double, compiled once per instruction set with FO_ISA = its name.
 * Nothing but the table fo_table_<isa> is visible outside, so that the linker never mixes instruction sets. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fastopt.h"

#define REAL_IS_FLOAT 1
#include "core/loops.h"
#undef REAL_IS_FLOAT
#define REAL_IS_FLOAT 0
#include "core/loops.h"
#include "schedules/schedules.h"
#include "sgd/touched.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

/* The table by name, X(member, function): functions of each type, and those of both.  What is not here does not compile. */
#define TYPED(X, T) \
    X(loss_block, loss_block, T) X(loss_grad_block, loss_grad_block, T) X(loss_accepts, loss_accepts, T) \
    X(softmax, softmax_rows, T) \
    X(sgd_rows, sgd_rows, T) X(sgd_settle, sgd_settle, T) X(predict_rows, predict_rows, T) X(pack_rows, pack_rows, T) \
    X(all_finite, all_finite, T) X(step_sums, step_sums, T) X(step, step, T) X(step_rows, step_rows, T) \
    X(step_packed, step_packed, T) X(factor_sums, factor_sums, T) X(factor_moments, factor_moments, T) \
    X(factor_squares, factor_squares, T) X(factor_step, factor_step, T) X(square_sum, square_sum, T) \
    X(batch_products, batch_products, T) X(batch_gradient, batch_gradient, T) X(batch_errors, batch_errors, T) \
    X(batch_values, batch_values, T) X(batch_objective, batch_objective, T) X(average, average, T) \
    X(column_sums, column_sums, T) X(column_spread, column_spread, T) X(column_stored, column_stored, T) \
    X(auto_dense, auto_dense, T) X(auto_touch, auto_touch, T) X(auto_columns, auto_columns, T) X(auto_settle, auto_settle, T) \
    X(auto_losses, auto_losses, T) X(lazy_touch, lazy_touch, T) X(lazy_take, lazy_take, T) X(lazy_settle, lazy_settle, T) \
    X(hessian_rows, hessian_rows, T) \
    X(descent.value, penalty_value, T) X(descent.prox, penalty_prox, T) X(descent.violation, penalty_violation, T) \
    X(descent.moments, descent_moments, T) X(descent.products, descent_products, T) X(descent.gram, descent_gram, T) \
    X(descent.columns, descent_columns, T) X(descent.gather, descent_gather, T) \
    X(objective.shift, objective_shift, T) X(objective.errors, objective_errors, T) \
    X(objective.curvature, objective_curvature, T) X(objective.line, objective_line, T) X(objective.move, objective_move, T) \
    X(objective.scatter, objective_scatter, T) X(objective.squares, objective_squares, T) \
    X(objective.products, objective_products, T) \
    X(objective.gradient, objective_gradient, T) X(objective.pack, objective_pack, T) X(objective.gather, objective_gather, T) \
    X(objective.transpose, objective_transpose, T) X(objective.enter, objective_enter, T) X(objective.flush, objective_flush, T) \
    X(chains.variance, variance_rows, T) X(chains.settle, variance_settle, T) X(chains.dual, dual_rows, T) \
    X(chains.gap, dual_gap, T) X(chains.squares, row_squares, T)
#define SHARED(X) \
    X(lr_block, lr_block) X(rule_fold, rule_fold) X(rule_finish, rule_finish) X(column_means, column_means) \
    X(auto_intercepts, auto_intercepts) X(lazy_accepts, lazy_accepts) X(lazy_note, lazy_note) \
    X(touched_columns, touched_columns) X(descent.quadratic, descent_quadratic) X(descent.count, descent_count) \
    X(objective.combine, objective_combine) X(objective.leave, objective_leave) X(chains.has_dual, dual_accepts)
#define TYPED_ENTRY(member, function, suffix) .member = fo_##function##_##suffix,
#define SHARED_ENTRY(member, function) .member = function,
#define TABLE_OF(suffix) {TYPED(TYPED_ENTRY, suffix) SHARED(SHARED_ENTRY)}
#define TYPED_ONE(member, function, suffix) +1
#define SHARED_ONE(member, function) +1
_Static_assert(sizeof(fo_kernels) == (0 TYPED(TYPED_ONE, f32) SHARED(SHARED_ONE)) * sizeof(void (*)(void)),
               "fo_kernels has a member that TYPED and SHARED do not list");

extern const fo_table JOIN(fo_table_, FO_ISA);
const fo_table JOIN(fo_table_, FO_ISA) = {TEXT(FO_ISA), TABLE_OF(f32), TABLE_OF(f64)};
