/* vmath.h: branch-free elementary functions in plain C, so that loops over them vectorise at any width. */
FO_INLINE real F(exp_)(real x) { return (real)exp((double)x); }
FO_INLINE real F(log1p_)(real x) { return (real)log1p((double)x); }
FO_INLINE real F(pow)(real x, real y) { return (real)pow((double)x, (double)y); }
