/* Products of few rows with weights that are laid out for them. */
#pragma once

#include "arithmetic.h"

enum { AHEAD_BYTES = 2048 };

/* Weights of a product [outputs, inputs], laid out as [outputs / 16][inputs / 2][16][2]: what one instruction reads lies
 * together, and a whole product is read from its beginning to its end. */
typedef struct {
    const bf16 *weight;
    const float *bias; /* [outputs], or NULL */
    int64_t outputs, inputs;
} Product;

/* 16 outputs of `count` rows: sums[row][output]. `count` is known where this is inlined. */
static inline __attribute__((always_inline)) void multiply_rows(const bf16 *inputs, int64_t width, const bf16 *weight,
                                                                 float sums[][LANES], int count) {
    __m512 total[LANES];
    for (int row = 0; row < count; row++) total[row] = _mm512_setzero_ps();
    for (int64_t place = 0; place < width; place += 2) {
        /* Weights come from memory once a token: asked for in time, they are there when it is their turn. */
        _mm_prefetch((const char *)(weight + LANES * place) + AHEAD_BYTES, _MM_HINT_T0);
        __m512bh pair = (__m512bh)_mm512_loadu_si512(weight + LANES * place);
        for (int row = 0; row < count; row++) {
            int32_t own;
            memcpy(&own, inputs + row * width + place, 4);
            total[row] = _mm512_dpbf16_ps(total[row], (__m512bh)_mm512_set1_epi32(own), pair);
        }
    }
    for (int row = 0; row < count; row++) _mm512_storeu_ps(sums[row], total[row]);
}

#define CASE(n) case n: multiply_rows(inputs, width, weight, sums, n); break;

static void multiply(const bf16 *inputs, int64_t width, const bf16 *weight, const float *bias, float sums[][LANES],
                     int64_t count) {
    switch (count) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
        CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
    }
    if (bias)
        for (int64_t row = 0; row < count; row++)
            for (int lane = 0; lane < LANES; lane++) sums[row][lane] += bias[lane];
}

/* Lays out rows [outputs, inputs] as the blocks of a product, every `stride`-th block from the first on; outputs that
 * the last block lacks are zeros. */
void concord_lay_out(const bf16 *rows, int64_t outputs, int64_t inputs, int64_t stride, int64_t threads, bf16 *blocks) {
#pragma omp parallel for num_threads((int)threads)
    for (int64_t block = 0; block < (outputs + LANES - 1) / LANES; block++) {
        bf16 *to = blocks + block * stride * LANES * inputs;
        for (int64_t lane = 0; lane < LANES; lane++) {
            int64_t output = block * LANES + lane;
            for (int64_t place = 0; place < inputs; place += 2) {
                uint32_t pair = 0;
                if (output < outputs) memcpy(&pair, rows + output * inputs + place, 4);
                memcpy(to + place * LANES + 2 * lane, &pair, 4);
            }
        }
    }
}
