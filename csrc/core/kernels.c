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
#define TABLE_OF(suffix) \
    { fo_loss_block_##suffix, fo_sgd_rows_##suffix, fo_sgd_settle_##suffix, fo_predict_rows_##suffix, \
      fo_pack_rows_##suffix, lr_block, fo_all_finite_##suffix, fo_loss_grad_block_##suffix, fo_loss_accepts_##suffix, \
      rule_fold, rule_finish, fo_step_sums_##suffix, fo_step_##suffix, fo_step_rows_##suffix, fo_step_packed_##suffix, \
      fo_factor_sums_##suffix, fo_factor_moments_##suffix, \
      fo_factor_squares_##suffix, fo_factor_step_##suffix, fo_square_sum_##suffix, \
      fo_batch_products_##suffix, fo_batch_gradient_##suffix, fo_batch_errors_##suffix, fo_batch_values_##suffix, \
      fo_average_##suffix, fo_column_sums_##suffix, fo_column_spread_##suffix, fo_column_stored_##suffix, column_means, \
      fo_auto_dense_##suffix, fo_auto_touch_##suffix, fo_auto_columns_##suffix, fo_auto_settle_##suffix, \
      fo_auto_losses_##suffix, auto_intercepts, \
      lazy_accepts, fo_lazy_touch_##suffix, fo_lazy_take_##suffix, lazy_note, fo_lazy_settle_##suffix, \
      { fo_penalty_value_##suffix, fo_penalty_prox_##suffix, fo_penalty_violation_##suffix, fo_descent_moments_##suffix, \
        fo_descent_products_##suffix, fo_descent_gram_##suffix, fo_descent_columns_##suffix, descent_quadratic, descent_count, \
        fo_descent_gather_##suffix }, \
      { fo_objective_shift_##suffix, fo_objective_errors_##suffix, fo_objective_curvature_##suffix, fo_objective_line_##suffix, \
        fo_objective_move_##suffix, fo_objective_scatter_##suffix, fo_objective_squares_##suffix, fo_objective_products_##suffix, \
        fo_objective_gradient_##suffix, fo_objective_pack_##suffix, fo_objective_gather_##suffix, fo_objective_turn_##suffix, \
        fo_objective_enter_##suffix, fo_objective_flush_##suffix, objective_combine, objective_leave }, \
      { fo_variance_rows_##suffix, fo_variance_settle_##suffix, fo_dual_rows_##suffix, fo_dual_gap_##suffix, dual_accepts, \
        fo_row_squares_##suffix }, \
      fo_batch_objective_##suffix, \
      fo_hessian_rows_##suffix, touched_columns, \
    }

extern const fo_table JOIN(fo_table_, FO_ISA);
const fo_table JOIN(fo_table_, FO_ISA) = {TEXT(FO_ISA), TABLE_OF(f32), TABLE_OF(f64)};
