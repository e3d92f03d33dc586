/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78): slicing by eight, and the machine's own
 * instruction, three parts at a time, where it has one. Both give the same number;
 * ql_crc32c_init() must run first. */
#ifndef QUANTLAXMI_CRC32C_H
#define QUANTLAXMI_CRC32C_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t ql_crc32c_table[8][256];

static uint32_t ql_crc32c_portable(uint32_t crc, const unsigned char *p, size_t n) {
    crc = ~crc;
    while (n >= 8) {
        /* Bytes are combined by value, so the byte order of the machine does not matter. */
        uint32_t lo = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                             (uint32_t)p[3] << 24);
        crc = ql_crc32c_table[7][lo & 255] ^ ql_crc32c_table[6][(lo >> 8) & 255] ^
              ql_crc32c_table[5][(lo >> 16) & 255] ^ ql_crc32c_table[4][lo >> 24] ^
              ql_crc32c_table[3][p[4]] ^ ql_crc32c_table[2][p[5]] ^
              ql_crc32c_table[1][p[6]] ^ ql_crc32c_table[0][p[7]];
        p += 8;
        n -= 8;
    }
    while (n--) crc = (crc >> 8) ^ ql_crc32c_table[0][(crc ^ *p++) & 255];
    return ~crc;
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <nmmintrin.h>
#define QL_CRC32C_TARGET __attribute__((target("sse4.2")))
#define QL_CRC32C_WORD(crc, word) _mm_crc32_u64(crc, word)
#define QL_CRC32C_BYTE(crc, byte) _mm_crc32_u8((uint32_t)(crc), byte)
static int ql_crc32c_has_hardware(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define QL_CRC32C_TARGET
#define QL_CRC32C_WORD(crc, word) __crc32cd((uint32_t)(crc), word)
#define QL_CRC32C_BYTE(crc, byte) __crc32cb((uint32_t)(crc), byte)
static int ql_crc32c_has_hardware(void) { return 1; }
#endif

#ifdef QL_CRC32C_WORD
/* Bytes of one of the three parts that are summed at a time: the instruction takes its time, but
 * the next one may begin before it ends where it does not need its result. */
#define QL_CRC32C_PART 2048
/* What QL_CRC32C_PART zero bytes make of each byte of a sum. Sums are linear, so that of two texts
 * in a row is the first one's followed by so many zeros, xor the second one's from 0. */
static uint32_t ql_crc32c_zeros[4][256];

QL_CRC32C_TARGET static inline uint64_t ql_crc32c_word(uint64_t crc, const unsigned char *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return QL_CRC32C_WORD(crc, word);
}
static inline uint64_t ql_crc32c_past(uint64_t crc) {
    return ql_crc32c_zeros[0][crc & 255] ^ ql_crc32c_zeros[1][crc >> 8 & 255] ^
           ql_crc32c_zeros[2][crc >> 16 & 255] ^ ql_crc32c_zeros[3][crc >> 24 & 255];
}
QL_CRC32C_TARGET static void ql_crc32c_init_zeros(void) {
    for (int byte = 0; byte < 4; byte++)
        for (int bit = 0; bit < 8; bit++) {
            uint64_t crc = (uint32_t)1 << (8 * byte + bit);
            for (int k = 0; k < QL_CRC32C_PART; k += 8) crc = QL_CRC32C_WORD(crc, 0);
            for (int low = 0; low < 1 << bit; low++)
                ql_crc32c_zeros[byte][low | 1 << bit] =
                    ql_crc32c_zeros[byte][low] ^ (uint32_t)crc;
        }
}
QL_CRC32C_TARGET static uint32_t ql_crc32c_hardware(uint32_t crc, const unsigned char *p,
                                                    size_t n) {
    uint64_t a = (uint32_t)~crc;
    for (; n >= 3 * QL_CRC32C_PART; p += 3 * QL_CRC32C_PART, n -= 3 * QL_CRC32C_PART) {
        uint64_t b = 0, c = 0;
        for (size_t k = 0; k < QL_CRC32C_PART; k += 8) {
            a = ql_crc32c_word(a, p + k);
            b = ql_crc32c_word(b, p + QL_CRC32C_PART + k);
            c = ql_crc32c_word(c, p + 2 * QL_CRC32C_PART + k);
        }
        a = ql_crc32c_past(ql_crc32c_past(a) ^ b) ^ c;
    }
    for (; n >= 8; p += 8, n -= 8) a = ql_crc32c_word(a, p);
    while (n--) a = QL_CRC32C_BYTE(a, *p++);
    return ~(uint32_t)a;
}
#else
static uint32_t ql_crc32c_hardware(uint32_t crc, const unsigned char *p, size_t n) {
    return ql_crc32c_portable(crc, p, n);
}
static int ql_crc32c_has_hardware(void) { return 0; }
static void ql_crc32c_init_zeros(void) {}
#endif

static void ql_crc32c_init(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = (c >> 1) ^ (0x82F63B78u & (0u - (c & 1u)));
        ql_crc32c_table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            ql_crc32c_table[k][i] = (ql_crc32c_table[k - 1][i] >> 8) ^
                                    ql_crc32c_table[0][ql_crc32c_table[k - 1][i] & 255];
    if (ql_crc32c_has_hardware()) ql_crc32c_init_zeros();
}
#endif
