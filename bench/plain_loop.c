/* The plain loop that an Adam step is held against: it reads w, g, m and v, writes w, m and v, and hardly computes. */
void plain_loop(long n, float *restrict w, const float *restrict g, float *restrict m, float *restrict v) {
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        m[i] = 0.9f * m[i] + g[i];
        v[i] = 0.9f * v[i] + g[i];
        w[i] += 1e-9f * (m[i] + v[i]);
    }
}
