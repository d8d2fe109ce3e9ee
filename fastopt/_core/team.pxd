"""A barrier for the threads of an OpenMP region that meet every few microseconds: they spin a moment, then yield, so that
threads that share a processor do not wait for each other's time slice.

Used by loops whose threads meet once a mini-batch.  `fo_team_size` and `fo_team_rank` are those of the region, whose size may
be less than was asked for; `fo_team_clock` counts seconds.
"""

cdef extern from * nogil:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define fo_team_size omp_get_num_threads
    #define fo_team_rank omp_get_thread_num
    #define fo_team_clock omp_get_wtime
    #else
    static int fo_team_size(void) { return 1; }
    static int fo_team_rank(void) { return 0; }
    static double fo_team_clock(void) { return 0; }
    #endif

    #if defined(_WIN32)
    #include <windows.h>
    #define fo_yield() ((void)SwitchToThread())
    #else
    #include <sched.h>
    #define fo_yield() ((void)sched_yield())
    #endif
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <intrin.h>
    #define fo_add(p) _InterlockedIncrement(p)
    #define fo_get(p) _InterlockedOr(p, 0)
    #define fo_set(p, x) ((void)_InterlockedExchange(p, x))
    #define fo_pause() YieldProcessor()
    #else
    #define fo_add(p) __atomic_add_fetch(p, 1, __ATOMIC_ACQ_REL)
    #define fo_get(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
    #define fo_set(p, x) __atomic_store_n(p, x, __ATOMIC_RELEASE)
    #if defined(__x86_64__) || defined(__i386__)
    #define fo_pause() __builtin_ia32_pause()
    #elif defined(__aarch64__)
    #define fo_pause() __asm__ __volatile__("yield")
    #else
    #define fo_pause() ((void)0)
    #endif
    #endif

    /* on cache lines of their own */
    typedef struct {
        char before[64];
        long arrived;
        char between[64 - sizeof(long)];
        long round;
        char after[64 - sizeof(long)];
    } fo_team;

    /* Wait until `size` threads have come here. */
    static void fo_team_wait(fo_team *team, int size) {
        long round;
        int i = 0;
        if (size == 1) return;
        round = fo_get(&team->round);
        if (fo_add(&team->arrived) == size) {
            fo_set(&team->arrived, 0);
            fo_set(&team->round, round + 1);
            return;
        }
        while (fo_get(&team->round) == round) {
            if (++i < 100) fo_pause();
            else fo_yield();
        }
    }
    """
    ctypedef struct fo_team:
        pass

    int fo_team_size()
    int fo_team_rank()
    double fo_team_clock()         # seconds
    void fo_team_wait(fo_team *team, int size)
