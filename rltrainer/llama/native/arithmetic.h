/* Numbers: bfloat16 and what C's own library would not compute 16 at a time. */
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#ifndef __AVX512BF16__
#error "this processor, or this compiler, does not multiply pairs of bfloat16 (AVX512_BF16)"
#endif

typedef uint16_t bf16;

enum { LANES = 16 };

static inline bf16 to_bf16(float number) {
    __m128bh rounded = _mm_cvtneps_pbh(_mm_set_ss(number));
    return (bf16)_mm_extract_epi16((__m128i)rounded, 0);
}

static inline void to_bf16_16(bf16 *to, __m512 wide) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(wide));
}

/* exp(x) to about one unit in the last place. Source: Cephes' expf, a polynomial after taking out powers of two. */
static inline float exponential(float x) {
    x = x > 88.0f ? 88.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float power = __builtin_rintf(x * 1.44269504088896341f);
    /* By instructions that no compiler puts together: the second takes away what the first constant lacks. */
    float rest = __builtin_fmaf(power, -0.693359375f, x);
    rest = __builtin_fmaf(power, 2.12194440e-4f, rest);
    float sum = 1.9875691500e-4f;
    sum = sum * rest + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    /* What is no number has no power; the sum is none either way. */
    uint32_t bits = (uint32_t)((int32_t)(x == x ? power : 0.0f) + 127) << 23;
    float scale;
    memcpy(&scale, &bits, 4);
    return sum * scale;
}
