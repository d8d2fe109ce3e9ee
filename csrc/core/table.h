/* table.h: the table of kernels by name, folder by folder: X(member, function, T) of those of each type, X(member, function) of those of
 * both.  A member that no folder lists does not compile (dispatch.c counts them). */
#ifndef FO_TABLE_H
#define FO_TABLE_H

#define FO_FAMILIES(X, isa) X(core, isa) X(losses, isa) X(penalties, isa) X(rules, isa) X(sgd, isa) X(objective, isa) X(solvers, isa) X(limits, isa) X(sequences, isa) X(policies, isa) X(ranking, isa) X(pairs, isa) X(likelihoods, isa) X(images, isa) X(network, isa)

#define FO_TYPED_core(X, T) X(predict_rows, predict_rows, T) X(pack_rows, pack_rows, T) X(all_finite, all_finite, T)
#define FO_SHARED_core(X)

#define FO_TYPED_losses(X, T) \
    X(loss_block, loss_block, T) X(loss_grad_block, loss_grad_block, T) X(loss_accepts, loss_accepts, T) \
    X(softmax, softmax_columns, T) X(overlap, overlap_rows, T)
#define FO_SHARED_losses(X)

#define FO_TYPED_penalties(X, T) \
    X(descent.value, penalty_value, T) X(descent.prox, penalty_prox, T) X(descent.violation, penalty_violation, T)
#define FO_SHARED_penalties(X)

#define FO_TYPED_rules(X, T) \
    X(step_sums, step_sums, T) X(step, step, T) X(step_rows, step_rows, T) X(step_packed, step_packed, T) \
    X(factor_sums, factor_sums, T) X(factor_moments, factor_moments, T) X(factor_squares, factor_squares, T) \
    X(factor_step, factor_step, T) X(square_sum, square_sum, T) X(product, product, T) \
    X(muon_direction, muon_direction, T) X(muon_weights, muon_weights, T) X(muon_move, muon_move, T)
#define FO_SHARED_rules(X) X(lr_block, lr_block) X(rule_fold, rule_fold) X(rule_finish, rule_finish)

#define FO_TYPED_sgd(X, T) \
    X(sgd_rows, sgd_rows, T) X(sgd_settle, sgd_settle, T) \
    X(batch_products, batch_products, T) X(batch_gradient, batch_gradient, T) X(batch_errors, batch_errors, T) \
    X(batch_values, batch_values, T) X(batch_objective, batch_objective, T) X(average, average, T) \
    X(column_sums, column_sums, T) X(column_spread, column_spread, T) X(column_stored, column_stored, T) \
    X(auto_dense, auto_dense, T) X(auto_touch, auto_touch, T) X(auto_columns, auto_columns, T) X(auto_settle, auto_settle, T) \
    X(auto_losses, auto_losses, T) X(lazy_touch, lazy_touch, T) X(lazy_take, lazy_take, T) X(lazy_settle, lazy_settle, T)
#define FO_SHARED_sgd(X) \
    X(column_means, column_means) X(auto_intercepts, auto_intercepts) X(lazy_accepts, lazy_accepts) X(lazy_note, lazy_note) \
    X(touched_columns, touched_columns)

#define FO_TYPED_objective(X, T) \
    X(objective.shift, objective_shift, T) X(objective.errors, objective_errors, T) X(objective.curvature, objective_curvature, T) \
    X(objective.line, objective_line, T) X(objective.move, objective_move, T) X(objective.scatter, objective_scatter, T) \
    X(objective.squares, objective_squares, T) X(objective.products, objective_products, T) \
    X(objective.gradient, objective_gradient, T) X(objective.pack, objective_pack, T) X(objective.gather, objective_gather, T) \
    X(objective.transpose, objective_transpose, T) X(objective.enter, objective_enter, T) X(objective.flush, objective_flush, T) \
    X(hessian_rows, hessian_rows, T)
#define FO_SHARED_objective(X) X(objective.combine, objective_combine) X(objective.leave, objective_leave)

#define FO_TYPED_solvers(X, T) \
    X(descent.moments, descent_moments, T) X(descent.products, descent_products, T) X(descent.gram, descent_gram, T) \
    X(descent.columns, descent_columns, T) X(descent.gather, descent_gather, T) \
    X(chains.variance, variance_rows, T) X(chains.settle, variance_settle, T) X(chains.dual, dual_rows, T) \
    X(chains.dual_classes, dual_class_rows, T) \
    X(chains.gap, dual_gap, T) X(chains.squares, row_squares, T)
#define FO_SHARED_solvers(X) \
    X(descent.quadratic, descent_quadratic) X(descent.count, descent_count) X(chains.has_dual, dual_accepts) \
    X(chains.has_class_dual, dual_accepts_classes)

#define FO_TYPED_limits(X, T) \
    X(limits.read, limit_read, T) X(limits.gather, limit_gather, T) X(limits.scatter, limit_scatter, T) X(limits.chain, limit_chain, T) \
    X(limits.link, limit_link, T) X(limits.sweep, limit_sweep, T) X(limits.update, limit_update, T) \
    X(limits.roots, limit_roots, T)
#define FO_SHARED_limits(X)

#define FO_TYPED_sequences(X, T) \
    X(sequences.ctc, ctc, T) X(sequences.ctc_scratch, ctc_scratch, T) X(sequences.ctc_greedy, ctc_greedy, T) \
    X(sequences.ctc_beam, ctc_beam, T) X(sequences.ctc_beam_scratch, ctc_beam_scratch, T) \
    X(sequences.transducer, transducer, T) X(sequences.transducer_scratch, transducer_scratch, T) X(sequences.tokens, tokens, T) \
    X(sequences.risk, risk, T) X(sequences.reinforce, reinforce, T)
#define FO_SHARED_sequences(X) X(sequences.edit_distance, edit_distance)

#define FO_TYPED_policies(X, T) \
    X(policies.actions, policy_actions, T) X(policies.categorical, categorical, T) X(policies.normal, normal, T) \
    X(policies.value_function, value_function, T) X(policies.q_values, q_values, T) X(policies.discounted, discounted, T) \
    X(policies.advantages, advantages, T)
#define FO_SHARED_policies(X)

#define FO_TYPED_ranking(X, T) \
    X(ranking.query, ranking_query, T) X(ranking.ndcg, ndcg, T) X(ranking.scratch, ranking_scratch, T) \
    X(ranking.cox, cox, T) X(ranking.concordance, concordance, T)
#define FO_SHARED_ranking(X)

#define FO_TYPED_pairs(X, T) \
    X(pairs.normalize, rows_normalize, T) X(pairs.back, rows_back, T) X(pairs.distances, rows_distances, T) \
    X(pairs.distances_back, rows_distances_back, T) X(pairs.apart, pairs_apart, T) X(pairs.anchor, anchor, T) \
    X(pairs.anchor_scratch, anchor_scratch, T) X(pairs.arc, pairs_arc, T) X(pairs.contrast, pairs_contrast, T)
#define FO_SHARED_pairs(X)

#define FO_TYPED_likelihoods(X, T) X(likelihoods.block, likelihood_block, T) X(likelihoods.accepts, likelihood_accepts, T)
#define FO_SHARED_likelihoods(X)

#define FO_TYPED_images(X, T) \
    X(images.variation, variation, T) X(images.variation_scratch, variation_scratch, T) \
    X(images.similarity, similarity, T) X(images.similarity_scratch, similarity_scratch, T)
#define FO_SHARED_images(X)

#define FO_TYPED_network(X, T) \
    X(network.gather, network_gather, T) X(network.forward, layer_forward, T) X(network.slope, layer_slope, T) \
    X(network.backward, layer_backward, T) X(network.gradient, layer_gradient, T) X(network.transpose, layer_transpose, T)
#define FO_SHARED_network(X)
#endif
