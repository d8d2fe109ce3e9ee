"""What only compiled code can ask: which compiler made this, and what the OpenMP runtime says and does.

Used by _core/threads.py and _core/config.py.  Knows nothing of kernels or data.
"""
from cython.parallel cimport prange

cdef extern from * nogil:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #define fo_openmp _OPENMP
    #else
    #define fo_openmp 0
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_thread_num(void) { return 0; }
    #endif
    #if fo_openmp < 200805   /* MSVC speaks OpenMP 2.0 */
    #define omp_get_thread_limit omp_get_max_threads
    #endif

    /* End the idle workers of the calling thread, so that a child forked next does not wait for workers that it did not
     * inherit: 1 if such a child may use threads.  LLVM's runtime repairs itself after a fork; Windows has no fork. */
    static int fo_release_workers(void) {
    #if !defined(_OPENMP) || defined(__clang__) || !defined(__GNUC__)
        return 1;
    #elif __GNUC__ >= 9
        return omp_pause_resource_all(omp_pause_soft) == 0;
    #else
        return 0;
    #endif
    }

    #if defined(_OPENMP) && !defined(_WIN32)
    #include <dlfcn.h>
    static const char *fo_openmp_path(void) {
        Dl_info info;
        return dladdr((void *)(size_t)&omp_get_max_threads, &info) ? info.dli_fname : "";
    }
    #else
    static const char *fo_openmp_path(void) { return ""; }
    #endif

    #if defined(__clang__) || defined(__GNUC__)
    #define fo_compiler __VERSION__
    #else
    #define fo_compiler ""
    #endif
    #ifdef _MSC_VER
    #define fo_msc_version _MSC_VER
    #else
    #define fo_msc_version 0
    #endif
    #ifdef __clang__
    #define fo_is_clang 1
    #else
    #define fo_is_clang 0
    #endif
    """
    const int fo_openmp, fo_msc_version, fo_is_clang
    const char *fo_compiler
    const char *fo_openmp_path()
    int fo_release_workers()
    int omp_get_max_threads()
    int omp_get_thread_limit()
    int omp_get_thread_num()


def compiler():
    """Name and version of the C compiler that made this."""
    if fo_msc_version:
        return f"MSVC {fo_msc_version // 100}.{fo_msc_version % 100:02d}"
    return fo_compiler.decode() if fo_is_clang else f"gcc {fo_compiler.decode()}"


def openmp():
    """The standard that the OpenMP runtime was asked for, as yyyymm, and where its library lies; (0, "") without it."""
    return fo_openmp, fo_openmp_path().decode(errors="replace")


def openmp_threads():
    """How many threads the OpenMP runtime would give the calling thread: OMP_NUM_THREADS, threadpoolctl's limits."""
    return min(omp_get_max_threads(), omp_get_thread_limit())


def release_workers():
    """Before a fork: end idle OpenMP workers; whether a child forked next may use threads."""
    return bool(fo_release_workers())


def count_threads(int n_threads):
    """How many threads take part when `n_threads` are asked for: runs a parallel region and counts them.

    Examples
    --------
    >>> from fastopt._core.runtime import count_threads
    >>> count_threads(1)
    1
    """
    cdef int i, n = 0
    if n_threads < 1:
        raise ValueError(f"n_threads must be positive, got {n_threads}")
    with nogil:
        for i in prange(n_threads, num_threads=n_threads, schedule="static", chunksize=1):
            n += 1 if omp_get_thread_num() == i else 0
    return n
