/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78): slicing by eight, and the machine's own
 * instruction where it has one. Both give the same number; ql_crc32c_init() must run first. */
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
__attribute__((target("sse4.2"))) static uint32_t ql_crc32c_hardware(uint32_t crc,
                                                                     const unsigned char *p,
                                                                     size_t n) {
    uint64_t c = (uint32_t)~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = _mm_crc32_u64(c, word);
    }
    uint32_t r = (uint32_t)c;
    while (n--) r = _mm_crc32_u8(r, *p++);
    return ~r;
}
static int ql_crc32c_has_hardware(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
static uint32_t ql_crc32c_hardware(uint32_t crc, const unsigned char *p, size_t n) {
    uint32_t c = ~crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = __crc32cd(c, word);
    }
    while (n--) c = __crc32cb(c, *p++);
    return ~c;
}
static int ql_crc32c_has_hardware(void) { return 1; }
#else
static uint32_t ql_crc32c_hardware(uint32_t crc, const unsigned char *p, size_t n) {
    return ql_crc32c_portable(crc, p, n);
}
static int ql_crc32c_has_hardware(void) { return 0; }
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
}
#endif
