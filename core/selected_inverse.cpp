// Omega^-1 on the pattern of L, by the Takahashi equations: with Y_j = L_Rj L_jj^-1 and R the rows of column j,
//     S_Rj = -S_RR Y_j,      S_jj = (L_jj L_jj')^-1 - Y_j' S_Rj,
// from the last column to the first; the dense tail starts the recursion by POTRI.
// (Takahashi, Fagan & Chen 1973; Erisman & Tinney 1975.)
#include <algorithm>

#include "dense.hpp"
#include "factor.hpp"
#include "threads.hpp"

namespace henderson {

namespace {

// y := L_Rj L_jj^-1 for every head column
HENDERSON_WIDE void scale_columns(const Symbolic& s, Factor& f) {
    f.y_head = f.head;
    f.y_panel = f.panel;
    for (int j = 0; j < s.head; ++j) {
        const int k = s.k(j);
        const double* L = &f.diagonal[s.diag_at[j]];
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
            solve_rows_transposed(L, &f.y_head[s.block_at[e]], s.k(s.row[e]), k);
        solve_panel_transposed(L, f.y_panel.data() + s.panel_at[j], s.rows_in_tail(j), k);
    }
}

// sum_i column[rows[i]] y[i], from `first` on
inline double gather_product(const double* column, const int* rows, const double* y, Int first, Int last) {
    double even = 0, odd = 0;
    Int i = first;
    for (; i + 1 < last; i += 2) even += column[rows[i]] * y[i], odd += column[rows[i + 1]] * y[i + 1];
    return i < last ? even + column[rows[i]] * y[i] + odd : even + odd;
}

// Columns of which only S_jj is asked for, and which no other column needs, get half of the product instead:
//     G_j = (what lies below the diagonal of S_RR, and half of the diagonal) Y_j,      S_jj = (L_jj L_jj')^-1 + Y_j' G_j + G_j' Y_j.
bool halved(const Symbolic& s, bool diagonal_only, int j) { return diagonal_only && s.child_start[j + 1] == s.child_start[j]; }

// The rows in one band of S_Rj = -S_RR Y_j, or of G_j, for all head columns j that reach it.
HENDERSON_WIDE void multiply_band(const Symbolic& s, Factor& f, Int band, bool diagonal_only) {
    for (Int at = s.span_start[band]; at < s.span_start[band + 1]; ++at) {
        const auto [j, first, last] = s.span[at];
        const Int height = s.rows_in_tail(j), from = s.tail_start[j];
        const bool half = halved(s, diagonal_only, j);
        const int* rows = s.tail_row.data() + from;
        for (int b = 0, k = s.k(j); b < k; ++b) {
            const double* y = f.y_panel.data() + s.panel_at[j] + b * height;
            double* out = f.s_panel.data() + s.panel_at[j] + b * height;
            for (Int x = first - from; x < last - from; ++x) {
                const double* column = &f.s_tail[rows[x] * s.tail];
                out[x] = half ? column[rows[x]] * y[x] / 2 + gather_product(column, rows, y, x + 1, height)
                              : -gather_product(column, rows, y, 0, height);
            }
        }
    }
}

// The tail's part of S_Rj = -S_RR Y_j, or of G_j, for all columns.
void multiply_tail(const Symbolic& s, Factor& f, bool diagonal_only) {
    if (s.panel) {
        dense::multiply_negative(s.tail, s.at[s.head], f.s_tail.data(), f.y_panel.data(), f.s_panel.data(), f.threads);
        return;
    }
    if (!diagonal_only || !s.row.empty()) dense::mirror(s.tail, f.s_tail.data(), f.threads);
    in_parallel(f.threads, s.bands(), [&](Int band) { multiply_band(s, f, band, diagonal_only); });
}

// Tail rows of column j (k_j numbers each) spread out over the whole tail, or where they are when they are all there.
const double* spread(const Symbolic& s, Factor& f, int j) {
    const double* column = f.s_panel.data() + s.panel_at[j];
    if (s.panel) return column;
    const Int height = s.rows_in_tail(j);
    const int* rows = s.tail_row.data() + s.tail_start[j];
    for (int a = 0; a < s.k(j); ++a)
        for (Int i = 0; i < height; ++i) f.dense_column[a * s.tail + rows[i]] = column[a * height + i];
    return f.dense_column.data();
}

// src (k_r x k_c) += sign * S_tail,r' Y_tail,c
HENDERSON_WIDE void gather_tail(const Symbolic& s, const Factor& f, const double* column, int kr, int c, double sign, double* src) {
    const int kc = s.k(c);
    const Int height = s.rows_in_tail(c);
    const int* rows = s.tail_row.data() + (s.panel ? 0 : s.tail_start[c]);
    for (int a = 0; a < kr; ++a)
        for (int b = 0; b < kc; ++b) {
            const double *y = f.y_panel.data() + s.panel_at[c] + b * height, *v = column + a * s.tail;
            double sum = 0;
            if (s.panel)
                for (Int x = 0; x < height; ++x) sum += v[x] * y[x];
            else
                sum = gather_product(v, rows, y, 0, height);
            src[a * kc + b] += sign * sum;
        }
}

// S_tail,c -= S_tail,r Y_rc
HENDERSON_WIDE void subtract_column(const Symbolic& s, Factor& f, const double* column, int kr, int c, const double* yrc) {
    const int kc = s.k(c);
    const Int height = s.rows_in_tail(c);
    const int* rows = s.tail_row.data() + (s.panel ? 0 : s.tail_start[c]);
    for (int b = 0; b < kc; ++b) {
        double* out = f.s_panel.data() + s.panel_at[c] + b * height;
        for (int a = 0; a < kr; ++a) {
            const double *v = column + a * s.tail, w = yrc[a * kc + b];
            if (s.panel)
                for (Int x = 0; x < height; ++x) out[x] -= v[x] * w;
            else
                for (Int x = 0; x < height; ++x) out[x] -= v[rows[x]] * w;
        }
    }
}

// Column r is complete: bring it to every earlier column c that contains r.
HENDERSON_WIDE void push_to_children(const Symbolic& s, Factor& f, int r, bool diagonal_only) {
    const int kr = s.k(r);
    for (Int e = s.row_start[r]; e < s.row_start[r + 1]; ++e) f.where[s.row[e]] = static_cast<int>(e - s.row_start[r]);
    const double* column = spread(s, f, r);
    for (Int i = s.child_start[r]; i < s.child_start[r + 1]; ++i) {
        const int c = s.child[i], kc = s.k(c);
        const Int here = s.child_entry[i];
        const bool half = halved(s, diagonal_only, c);
        const double sign = half ? 1 : -1;
        const double* yrc = &f.y_head[s.block_at[here]];
        double* src = &f.s_head[s.block_at[here]];
        multiply_add(half ? 0.5 : -1, &f.s_diagonal[s.diag_at[r]], yrc, src, kr, kr, kc);
        for (Int e = here + 1; e < s.row_start[c + 1]; ++e) {
            const int other = s.row[e], ko = s.k(other);
            const double* block = &f.s_head[s.block_at[s.row_start[r] + f.where[other]]];  // S_other,r
            if (!half) multiply_add(-1, block, yrc, &f.s_head[s.block_at[e]], ko, kr, kc);
            multiply_add_tn(sign, block, &f.y_head[s.block_at[e]], src, kr, ko, kc);
        }
        gather_tail(s, f, column, kr, c, sign, src);
        if (!half) subtract_column(s, f, column, kr, c, yrc);
    }
}

// S_jj = (L_jj L_jj')^-1 - Y_j' S_Rj, or + Y_j' G_j + G_j' Y_j
HENDERSON_WIDE void close_diagonal(const Symbolic& s, Factor& f, int j, bool half) {
    const int k = s.k(j);
    const Int height = s.rows_in_tail(j);
    const double *y = f.y_panel.data() + s.panel_at[j], *rest = f.s_panel.data() + s.panel_at[j];
    double* S = &f.s_diagonal[s.diag_at[j]];
    double* product = f.product.data();  // Y_j' S_Rj or Y_j' G_j
    std::fill_n(product, k * k, 0.0);
    for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e)
        multiply_add_tn(1, &f.y_head[s.block_at[e]], &f.s_head[s.block_at[e]], product, k, s.k(s.row[e]), k);
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) {
            double sum = 0;
            for (Int i = 0; i < height; ++i) sum += y[a * height + i] * rest[b * height + i];
            product[a * k + b] += sum;
        }
    inverse_from_cholesky(&f.diagonal[s.diag_at[j]], S, k);
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) S[a * k + b] += half ? product[a * k + b] + product[b * k + a] : -product[a * k + b];
}

// S_jj (k x k), row-major; blocks of the tail are copied into the buffer
const double* inverse_diagonal(const Symbolic& s, const Factor& f, int j, double* buffer) {
    if (j < s.head) return &f.s_diagonal[s.diag_at[j]];
    const int k = s.k(j);
    const Int own = s.at[j] - s.at[s.head];
    for (int a = 0; a < k; ++a)
        for (int b = 0; b < k; ++b) buffer[a * k + b] = f.s_tail[(own + std::min(a, b)) * s.tail + own + std::max(a, b)];
    return buffer;
}

// S_rj (k_r x k_j) for entry e of column j of A
const double* inverse_block(const Symbolic& s, const Factor& f, int j, Int e, double* buffer) {
    const int r = s.a_row[e], kr = s.k(r), kj = s.k(j);
    if (r < s.head) return &f.s_head[s.block_at[s.a_target[e]]];
    const bool sparse = j < s.head;
    const double* from = sparse ? f.s_panel.data() + s.panel_at[j] : &f.s_tail[(s.at[j] - s.at[s.head]) * s.tail];
    const Int ld = sparse ? s.rows_in_tail(j) : s.tail;
    for (int a = 0; a < kr; ++a)
        for (int b = 0; b < kj; ++b) buffer[a * kj + b] = from[b * ld + s.a_target[e] + a];
    return buffer;
}

}  // namespace

void invert_selected(const Symbolic& s, Factor& f, bool diagonal_only) {
    if (s.tail > 0) {
        f.s_tail.resize(s.tail * s.tail);
        dense::invert(s.tail, f.tail.data(), f.s_tail.data(), f.threads);
    }
    scale_columns(s, f);
    f.s_diagonal.resize(s.diag_at[s.head]);
    f.s_panel.resize(s.panel_size);
    f.s_head.assign(s.head_size, 0.0);
    const Int k = *std::max_element(s.K.begin(), s.K.end());
    f.dense_column.resize(k * s.tail), f.product.resize(k * k);
    diagonal_only = diagonal_only && !s.panel;  // padded columns come whole at the price of half
    if (s.tail > 0) multiply_tail(s, f, diagonal_only);
    for (int j = s.head - 1; j >= 0; --j) {
        close_diagonal(s, f, j, halved(s, diagonal_only, j));
        if (s.child_start[j + 1] > s.child_start[j]) push_to_children(s, f, j, diagonal_only);
    }
}

HENDERSON_WIDE void trace_products(const Symbolic& s, const CrossZ& A, const Factor& f, std::vector<std::vector<double>>& F) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most), block(most * most), product(most * most);
    for (std::size_t g = 0; g < s.K.size(); ++g) F[g].assign(s.K[g] * s.K[g], 0.0);
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const double* lj = f.lambda[s.grouping[j]].data();
        double* Fj = F[s.grouping[j]].data();
        const double* ajj = A.diagonal[s.grouping[j]] + s.level[j] * Int{kj} * kj;
        std::fill_n(product.data(), kj * kj, 0.0);
        multiply_add(1, ajj, lj, product.data(), kj, kj, kj);
        multiply_add(1, product.data(), inverse_diagonal(s, f, j, buffer.data()), Fj, kj, kj, kj);
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const double* srj = inverse_block(s, f, j, e, buffer.data());
            const double* lr = f.lambda[s.grouping[r]].data();
            double* Fr = F[s.grouping[r]].data();
            const double* stored = A.pair[s.pair(r, j)] + Int{s.a_entry[e]} * kr * kj;
            if (kr == 1 && kj == 1) {
                *Fj += *stored * *lr * *srj;
                *Fr += *stored * *lj * *srj;
                continue;
            }
            const bool flip = s.flipped(r, j);
            for (int a = 0; a < kr; ++a)
                for (int b = 0; b < kj; ++b) block[a * kj + b] = flip ? stored[b * kr + a] : stored[a * kj + b];
            std::fill_n(product.data(), kr * kj, 0.0);
            multiply_add_tn(1, block.data(), lr, product.data(), kj, kr, kr);  // A_jr Lambda_r (kj x kr)
            multiply_add(1, product.data(), srj, Fj, kj, kr, kj);
            std::fill_n(product.data(), kr * kj, 0.0);
            multiply_add(1, block.data(), lj, product.data(), kr, kj, kj);     // A_rj Lambda_j (kr x kj)
            multiply_add_nt(1, product.data(), srj, Fr, kr, kj, kr);
        }
    }
}

void trace_complements(const Symbolic& s, const Factor& f, std::vector<std::vector<double>>& rest) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most);
    for (std::size_t g = 0; g < s.K.size(); ++g) rest[g].assign(s.K[g] * s.K[g], 0.0);
    for (int j = 0; j < s.nodes; ++j) {
        const int k = s.k(j);
        const double* S = inverse_diagonal(s, f, j, buffer.data());
        double* to = rest[s.grouping[j]].data();
        for (int a = 0; a < k; ++a)
            for (int b = 0; b < k; ++b) to[a * k + b] += (a == b) - S[a * k + b];
    }
}

void copy_selected(const Symbolic& s, const Factor& f, const std::vector<double*>& diagonal, const std::vector<double*>& pair) {
    const int most = *std::max_element(s.K.begin(), s.K.end());
    std::vector<double> buffer(most * most);
    for (int j = 0; j < s.nodes; ++j) {
        const int kj = s.k(j);
        const double* sjj = inverse_diagonal(s, f, j, buffer.data());
        std::copy(sjj, sjj + kj * kj, diagonal[s.grouping[j]] + s.level[j] * Int{kj} * kj);
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e], kr = s.k(r);
            const bool flip = s.flipped(r, j);
            const double* srj = inverse_block(s, f, j, e, buffer.data());
            double* to = pair[s.pair(r, j)] + Int{s.a_entry[e]} * kr * kj;
            for (int a = 0; a < kr; ++a)
                for (int b = 0; b < kj; ++b) to[flip ? b * kr + a : a * kj + b] = srj[a * kj + b];
        }
    }
}

}  // namespace henderson
