/* One token for each of several rows through a Llama-shaped network, by products of bfloat16 added up in float32.
 *
 * Written for processors that multiply pairs of bfloat16 (AVX512_BF16); compiled by library.py.
 * States between layers, norms, rotation, scores, softmax and what is added up are float32; inputs of products, keys and
 * values are bfloat16. Every number is computed by one thread in one order, however many threads there are and whatever
 * the other rows are.
 */
#include <math.h>
#include <omp.h>

#include "products.h"

typedef struct {
    const float *weight; /* [width] */
    float epsilon;
} Norm;

typedef struct {
    Norm attention_norm, mlp_norm;
    Product inwards;  /* queries, keys and values */
    Product outwards;
    Product widen;    /* 16 of the gate and 16 of up by turns */
    Product narrow;
    bf16 *keys, *values; /* [rows, key heads, capacity, head width] */
} Layer;

typedef struct {
    int64_t layers, width, heads, key_heads, head_width, inner;
    Norm norm;
    Product head;
} Network;

typedef struct {
    int64_t rows, threads;
    int64_t capacity;       /* tokens for which keys and values have room */
    int64_t slot;           /* where the new token's key and value go */
    int64_t longest;        /* tokens of the longest prompt */
    const int64_t *prompts; /* [rows]: tokens of each row's own prompt; between these and the longest there is nothing */
    const float *cosine, *sine; /* [rows, head width / 2] of each row's position */
    float *states;              /* [rows, width], changed */
    float *logits;              /* [rows, outputs of the head] */
    bf16 *normed;               /* room for [rows, width] */
    float *inward;              /* room for [rows, outputs of inwards] */
    bf16 *mixed;                /* room for [rows, heads * head width] */
    bf16 *gated;                /* room for [rows, inner] */
    float *scores;              /* room for [threads, capacity] */
} Step;

typedef struct {
    int64_t first, end;
} Range;

/* This thread's share of so many units, whatever team it is in. */
static inline Range own_share(int64_t units) {
    int64_t number = omp_get_thread_num(), threads = omp_get_num_threads();
    return (Range){units * number / threads, units * (number + 1) / threads};
}

static inline int64_t rows_from(const Step *step, int64_t row) {
    return step->rows - row < LANES ? step->rows - row : LANES;
}

/* inputs [rows, inputs] times a product, put or added to `out` [rows, outputs]. */
static void multiply_into(const Step *step, const Product *product, const bf16 *inputs, float *out, int adds) {
    Range own = own_share(product->outputs / LANES);
    float sums[LANES][LANES];
    for (int64_t block = own.first; block < own.end; block++)
        for (int64_t row = 0; row < step->rows; row += LANES) {
            int64_t count = rows_from(step, row), place = block * LANES;
            multiply(inputs + row * product->inputs, product->inputs, product->weight + place * product->inputs,
                     product->bias ? product->bias + place : 0, sums, count);
            for (int64_t each = 0; each < count; each++) {
                float *target = out + (row + each) * product->outputs + place;
                for (int lane = 0; lane < LANES; lane++)
                    target[lane] = adds ? target[lane] + sums[each][lane] : sums[each][lane];
            }
        }
}

/* silu(gate) * up of all rows into `gated`. */
static void open_gates(const Step *step, const Product *widen_by, int64_t inner) {
    Range own = own_share(inner / LANES);
    float gate[LANES][LANES], up[LANES][LANES], opened[LANES];
    int64_t block_size = LANES * widen_by->inputs;
    for (int64_t block = own.first; block < own.end; block++)
        for (int64_t row = 0; row < step->rows; row += LANES) {
            int64_t count = rows_from(step, row);
            const bf16 *inputs = step->normed + row * widen_by->inputs, *weight = widen_by->weight + 2 * block * block_size;
            const float *bias = widen_by->bias ? widen_by->bias + 2 * block * LANES : 0;
            multiply(inputs, widen_by->inputs, weight, bias, gate, count);
            multiply(inputs, widen_by->inputs, weight + block_size, bias ? bias + LANES : 0, up, count);
            for (int64_t each = 0; each < count; each++) {
                for (int lane = 0; lane < LANES; lane++)
                    opened[lane] = gate[each][lane] / (1.0f + exponential(-gate[each][lane])) * up[each][lane];
                to_bf16_16(step->gated + (row + each) * inner + block * LANES, _mm512_loadu_ps(opened));
            }
        }
}

static void normalize(const Step *step, const Norm *norm, int64_t width) {
    Range own = own_share(step->rows);
    for (int64_t row = own.first; row < own.end; row++) {
        const float *states = step->states + row * width;
        __m512 squares = _mm512_setzero_ps();
        for (int64_t place = 0; place < width; place += LANES) {
            __m512 part = _mm512_loadu_ps(states + place);
            squares = _mm512_fmadd_ps(part, part, squares);
        }
        __m512 inverse = _mm512_set1_ps(1.0f / sqrtf(_mm512_reduce_add_ps(squares) / (float)width + norm->epsilon));
        for (int64_t place = 0; place < width; place += LANES) {
            __m512 unit = _mm512_mul_ps(_mm512_loadu_ps(states + place), inverse);
            to_bf16_16(step->normed + row * width + place, _mm512_mul_ps(unit, _mm512_loadu_ps(norm->weight + place)));
        }
    }
}

/* A head turned by its position, into bfloat16. */
static void turn(const float *head, const float *cosine, const float *sine, int64_t half, bf16 *turned) {
    for (int64_t place = 0; place < half; place++) {
        turned[place] = to_bf16(head[place] * cosine[place] - head[place + half] * sine[place]);
        turned[place + half] = to_bf16(head[place + half] * cosine[place] + head[place] * sine[place]);
    }
}

/* Scores of one query beside keys [count, width]. */
static void score(const bf16 *query, const bf16 *keys, int64_t count, int64_t width, float scale, float *scores) {
    for (int64_t key = 0; key < count; key++) {
        __m512 sum = _mm512_setzero_ps();
        for (int64_t place = 0; place < width; place += 2 * LANES) {
            int64_t left = width - place;
            __mmask32 real = left >= 2 * LANES ? 0xffffffffu : (1u << left) - 1u;
            sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_maskz_loadu_epi16(real, query + place),
                                   (__m512bh)_mm512_maskz_loadu_epi16(real, keys + key * width + place));
        }
        scores[key] = _mm512_reduce_add_ps(sum) * scale;
    }
}

/* Scores to exp(score - largest); gives their sum. */
static float open_scores(float *scores, int64_t count) {
    float largest = scores[0], sum = 0.0f;
    for (int64_t key = 1; key < count; key++) largest = scores[key] > largest ? scores[key] : largest;
    for (int64_t key = 0; key < count; key++) {
        scores[key] = exponential(scores[key] - largest);
        sum += scores[key];
    }
    return sum;
}

/* Adds 16 places of values [count, width], weighted, to a sum. */
static inline __m512 mix(__m512 sum, const float *weights, const bf16 *values, int64_t count, int64_t width,
                         __mmask16 real) {
    for (int64_t key = 0; key < count; key++) {
        __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(real, values + key * width));
        sum = _mm512_fmadd_ps(_mm512_set1_ps(weights[key]), (__m512)_mm512_slli_epi32(wide, 16), sum);
    }
    return sum;
}

/* One row's queries that share a key head: the new key and value are put with the others, and attended to. */
static void attend_group(const Network *network, const Layer *layer, const Step *step, int64_t row, int64_t group,
                         float *scores) {
    int64_t width = network->head_width, half = width / 2, shared = network->heads / network->key_heads;
    int64_t own = step->prompts[row], later = step->slot + 1 - step->longest;
    const float *cosine = step->cosine + row * half, *sine = step->sine + row * half;
    const float *heads = step->inward + row * layer->inwards.outputs;
    bf16 *keys = layer->keys + (row * network->key_heads + group) * step->capacity * width;
    bf16 *values = layer->values + (row * network->key_heads + group) * step->capacity * width;
    const float *value = heads + (network->heads + network->key_heads + group) * width;
    turn(heads + (network->heads + group) * width, cosine, sine, half, keys + step->slot * width);
    for (int64_t place = 0; place < width; place++) values[step->slot * width + place] = to_bf16(value[place]);
    for (int64_t number = 0; number < shared; number++) {
        int64_t head = group * shared + number;
        bf16 *result = step->mixed + (row * network->heads + head) * width;
        float scale = 1.0f / sqrtf((float)width);
        /* The turned query stands in its result's place until that is known. */
        turn(heads + head * width, cosine, sine, half, result);
        score(result, keys, own, width, scale, scores);
        score(result, keys + step->longest * width, later, width, scale, scores + own);
        __m512 unit = _mm512_set1_ps(1.0f / open_scores(scores, own + later));
        for (int64_t place = 0; place < width; place += LANES) {
            __mmask16 real = width - place >= LANES ? 0xffff : (1u << (width - place)) - 1u;
            __m512 sum = mix(_mm512_setzero_ps(), scores, values + place, own, width, real);
            sum = mix(sum, scores + own, values + step->longest * width + place, later, width, real);
            __m256bh rounded = _mm512_cvtneps_pbh(_mm512_mul_ps(sum, unit));
            _mm256_mask_storeu_epi16(result + place, real, (__m256i)rounded);
        }
    }
}

static void attend(const Network *network, const Layer *layer, const Step *step) {
    Range own = own_share(step->rows * network->key_heads);
    float *scores = step->scores + omp_get_thread_num() * step->capacity;
    for (int64_t unit = own.first; unit < own.end; unit++)
        attend_group(network, layer, step, unit / network->key_heads, unit % network->key_heads, scores);
}

/* Appends a token to every row: changes states, keys and values, and gives the logits of the next. A network of no layers
 * gives the logits of states as they are, and needs no more of the step than these, `normed` and `logits`. */
void concord_advance(const Network *network, const Layer *layers, const Step *step) {
#pragma omp parallel num_threads((int)step->threads)
    {
        for (int64_t number = 0; number < network->layers; number++) {
            const Layer *layer = layers + number;
            normalize(step, &layer->attention_norm, network->width);
#pragma omp barrier
            multiply_into(step, &layer->inwards, step->normed, step->inward, 0);
#pragma omp barrier
            attend(network, layer, step);
#pragma omp barrier
            multiply_into(step, &layer->outwards, step->mixed, step->states, 1);
#pragma omp barrier
            normalize(step, &layer->mlp_norm, network->width);
#pragma omp barrier
            open_gates(step, &layer->widen, network->inner);
#pragma omp barrier
            multiply_into(step, &layer->narrow, step->gated, step->states, 1);
#pragma omp barrier
        }
        normalize(step, &network->norm, network->width);
#pragma omp barrier
        multiply_into(step, &network->head, step->normed, step->logits, 0);
    }
}

