"""How many threads would find a processor of their own now.  Threads that share a processor with other programs wait for each other's
time slices, some milliseconds at each meeting, and a loop of many short meetings is then many times slower than one thread.

Used by every loop that shares its work: results do not depend on the number of threads, so it may be another one from loop to loop.
Linux says how many tasks are running or ready to run; elsewhere, and where that cannot be read, all threads are used.
"""
cdef extern from * nogil:
    """
    #if defined(_OPENMP) && defined(__linux__)
    #include <fcntl.h>
    #include <limits.h>
    #include <omp.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <time.h>
    #include <unistd.h>

    enum {
        FO_LOOK_TEAM = 10000000,    /* nanoseconds between two looks while threads work together … */
        FO_LOOK_ALONE = 2000000,    /* … and while one works alone: what a false alarm costs */
        FO_ASLEEP = 40000000,       /* after which idle threads of OpenMP spin no longer */
        FO_LOOKS = 12,              /* the least of so many counts, of a team: most tasks of a system run for microseconds, … */
        FO_LOOKS_ALONE = 2          /* … and a false alarm lasts until idle threads sleep */
    };

    static int fo_heeds = 1;                  /* whether the load counts */
    static int fo_free = INT_MAX;             /* threads that find a processor, the caller among them */
    static int64_t fo_due, fo_teamed;         /* when to look again; when threads last worked together */

    static int64_t fo_now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }

    /* Tasks that run or are ready to, of all programs, ours with `own` of them; -1 where it cannot be read. */
    static int fo_running(int own, int looks) {
        char text[96];
        int running = -1, i, least = -1;
        for (i = 0; i < looks; i++) {
            int file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
            ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);
            if (file >= 0) close(file);
            if (n <= 0) return -1;
            text[n] = 0;
            if (sscanf(text, "%*s %*s %*s %d/", &running) != 1) return -1;
            if (least < 0 || running < least) least = running;
            if (running <= own) break;
        }
        return least;
    }

    static void fo_look(int wanted, int64_t now) {
        const int before = __atomic_load_n(&fo_free, __ATOMIC_RELAXED);
        const int team = wanted < before ? wanted : before;
        int running = -1, own = 1, found;
        if (team > 1 && now - __atomic_load_n(&fo_teamed, __ATOMIC_RELAXED) < FO_ASLEEP) {
            /* idle threads spin for a while and would be counted as others': so all of a team are counted, at work */
    #pragma omp parallel num_threads(team)
            {
    #pragma omp master
                {
                    own = omp_get_num_threads();
                    running = fo_running(own, FO_LOOKS);
                }
    #pragma omp barrier
            }
        } else {
            running = fo_running(own, FO_LOOKS_ALONE);
        }
        found = running < 0 ? INT_MAX : (int)sysconf(_SC_NPROCESSORS_ONLN) - (running > own ? running - own : 0);
        __atomic_store_n(&fo_free, found > 1 ? found : 1, __ATOMIC_RELAXED);
        __atomic_store_n(&fo_due, fo_now() + (found < wanted ? FO_LOOK_ALONE : FO_LOOK_TEAM), __ATOMIC_RELAXED);
    }

    static int fo_spare(int wanted) {
        int64_t now, due;
        int spare;
        if (wanted < 2 || !__atomic_load_n(&fo_heeds, __ATOMIC_RELAXED)) return wanted;
        now = fo_now();
        due = __atomic_load_n(&fo_due, __ATOMIC_RELAXED);
        if (now >= due && __atomic_compare_exchange_n(&fo_due, &due, now + FO_LOOK_TEAM, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            fo_look(wanted, now);
        spare = __atomic_load_n(&fo_free, __ATOMIC_RELAXED);
        if (spare < wanted) wanted = spare;
        if (wanted > 1) __atomic_store_n(&fo_teamed, now, __ATOMIC_RELAXED);
        return wanted;
    }

    static int fo_heed(int heeds) { return __atomic_exchange_n(&fo_heeds, heeds, __ATOMIC_RELAXED); }
    #else
    static int fo_spare(int wanted) { return wanted; }
    static int fo_heed(int heeds) { (void)heeds; return 0; }
    #endif
    """
    int fo_spare(int wanted)
    int fo_heed(int heeds)


cdef int spare(int wanted) noexcept nogil:
    """How many of so many threads find a processor, at least 1."""
    return fo_spare(wanted)


def spare_threads(int wanted):
    """The same, as Python may ask.

    Examples
    --------
    >>> from fastopt._core.load import spare_threads
    >>> spare_threads(1)
    1
    """
    return fo_spare(wanted)


def heed(bint heeds):
    """Whether loops ask; what held before.  Tests of loops with many threads have them all, however busy the machine is.

    Examples
    --------
    >>> from fastopt._core.load import heed
    >>> before = heed(False)
    >>> bool(heed(before))
    False
    """
    return bool(fo_heed(heeds))
