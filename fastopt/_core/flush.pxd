"""Numbers too small for full precision count as 0 while a thread steps parameters: a processor takes a hundred times as long with
them, and moments that fade out would all become such numbers.

Used by every loop over the state of a rule: `fo_flush` turns it on in the calling thread and returns its mode of before, which
`fo_unflush` brings back, whatever happens in between.  A processor that has no such mode is left as it is.
"""

cdef extern from * nogil:
    """
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    typedef unsigned int fo_mode;
    #define FO_FLUSH 0x8040u /* MXCSR: results (FTZ) and operands (DAZ) */
    #define fo_get_mode() _mm_getcsr()
    #define fo_set_mode(mode) _mm_setcsr(mode)
    #elif defined(__aarch64__)
    typedef unsigned long long fo_mode;
    #define FO_FLUSH (1ull << 24) /* FPCR: FZ, of both */
    static fo_mode fo_get_mode(void) {
        fo_mode mode;
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
        return mode;
    }
    #define fo_set_mode(mode) __asm__ __volatile__("msr fpcr, %0" : : "r"((fo_mode)(mode)))
    #else
    typedef unsigned int fo_mode;
    #define FO_FLUSH 0u
    #define fo_get_mode() 0u
    #define fo_set_mode(mode) ((void)(mode))
    #endif

    static fo_mode fo_flush(void) {
        const fo_mode mode = fo_get_mode();
        if ((mode & FO_FLUSH) != FO_FLUSH) fo_set_mode(mode | FO_FLUSH);
        return mode;
    }
    static void fo_unflush(fo_mode mode) {
        if ((mode & FO_FLUSH) != FO_FLUSH) fo_set_mode(mode);
    }
    """
    ctypedef unsigned long long fo_mode
    fo_mode fo_flush()
    void fo_unflush(fo_mode mode)
