#include "symbolic.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace henderson {

namespace {

// A dense multiply-add costs about a thirtieth of a scattered one, and both grow with the square of the column: columns
// go to LAPACK when they reach the first share of what remains, and the head's columns are padded to full height when
// they fill the second share of the tail. Measured on InstEval, where 0.2 to 0.5 differ by a tenth.
constexpr double dense_share = 0.4, panel_share = 0.2;

void order_nodes(Symbolic& s, const std::vector<PairPattern>& pairs) {
    const int groupings = static_cast<int>(s.K.size());
    std::vector<std::vector<int>> degree(groupings);
    for (int f = 0; f < groupings; ++f) degree[f].assign(s.levels[f], 0);
    for (const auto& p : pairs)
        for (Int g = 0; g < s.levels[p.first]; ++g)
            for (Int e = p.start[g]; e < p.start[g + 1]; ++e) {
                ++degree[p.first][g];
                ++degree[p.second][p.partner[e]];
            }
    std::vector<int> by_size(groupings);
    std::iota(by_size.begin(), by_size.end(), 0);
    std::stable_sort(by_size.begin(), by_size.end(), [&](int a, int b) { return s.levels[a] > s.levels[b]; });
    for (int i = 0; i < groupings; ++i) {
        const int f = by_size[i];
        std::vector<int> order(s.levels[f]);
        std::iota(order.begin(), order.end(), 0);
        if (i > 0)  // the first factor makes no fill among its own levels, whatever their order
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return degree[f][a] < degree[f][b]; });
        for (int g : order) {
            s.grouping.push_back(f);
            s.level.push_back(g);
            s.at.push_back(s.at.back() + s.K[f]);
            s.diag_at.push_back(s.diag_at.back() + s.K[f] * s.K[f]);
        }
    }
    s.nodes = static_cast<int>(s.grouping.size());
}

void place_cross_products(Symbolic& s, const std::vector<PairPattern>& pairs) {
    const std::size_t groupings = s.K.size();
    s.pair_at.assign(groupings * groupings, -1);
    for (const auto& p : pairs) {
        s.pair_at[p.first * groupings + p.second] = s.pair_at[p.second * groupings + p.first] = static_cast<int>(s.pair_first.size());
        s.pair_first.push_back(p.first);
    }
    std::vector<std::vector<int>> node(s.K.size());
    for (std::size_t f = 0; f < s.K.size(); ++f) node[f].resize(s.levels[f]);
    for (int v = 0; v < s.nodes; ++v) node[s.grouping[v]][s.level[v]] = v;

    s.a_start.assign(s.nodes + 1, 0);
    auto every_entry = [&](auto&& visit) {
        for (int k = 0; k < static_cast<int>(pairs.size()); ++k) {
            const auto& p = pairs[k];
            for (Int g = 0; g < s.levels[p.first]; ++g)
                for (Int e = p.start[g]; e < p.start[g + 1]; ++e)
                    visit(k, e, node[p.first][g], node[p.second][p.partner[e]]);
        }
    };
    every_entry([&](int, Int, int a, int b) { ++s.a_start[std::min(a, b) + 1]; });
    std::partial_sum(s.a_start.begin(), s.a_start.end(), s.a_start.begin());
    const Int total = s.a_start.back();
    if (total > std::numeric_limits<int>::max()) throw std::length_error("more pairs of levels than can be counted");

    // sorted by row, then dealt out to the columns: the rows of every column come out in order
    std::vector<Int> row_start(s.nodes + 1, 0);
    every_entry([&](int, Int, int a, int b) { ++row_start[std::max(a, b) + 1]; });
    std::partial_sum(row_start.begin(), row_start.end(), row_start.begin());
    std::vector<int> column(total), entry(total);
    std::vector<Int> next(row_start.begin(), row_start.end() - 1);
    every_entry([&](int, Int e, int a, int b) {
        Int& to = next[std::max(a, b)];
        column[to] = std::min(a, b), entry[to++] = static_cast<int>(e);
    });
    s.a_row.resize(total), s.a_entry.resize(total);
    next.assign(s.a_start.begin(), s.a_start.end() - 1);
    for (int r = 0; r < s.nodes; ++r)
        for (Int i = row_start[r]; i < row_start[r + 1]; ++i) {
            Int& to = next[column[i]];
            s.a_row[to] = r, s.a_entry[to++] = entry[i];
        }
}

// Column structures of L by the elimination tree, until the remainder is dense: struct(j) is the pattern of A below j
// joined with the structures of the children of j. Returns the structures of the head.
std::vector<std::vector<int>> eliminate(Symbolic& s) {
    std::vector<std::vector<int>> structure;
    std::vector<std::vector<int>> children(s.nodes);
    std::vector<int> mark(s.nodes, -1);
    const int first_grouping = s.grouping[0];
    for (int j = 0; j < s.nodes; ++j) {
        std::vector<int> rows;
        Int scalars = 0;
        auto add = [&](int r) {
            if (r > j && mark[r] != j) {
                mark[r] = j;
                rows.push_back(r);
                scalars += s.at[r + 1] - s.at[r];
            }
        };
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) add(s.a_row[e]);
        for (int c : children[j])
            for (int r : structure[c]) add(r);
        const Int remaining = s.q - s.at[j + 1];
        if (s.grouping[j] != first_grouping && remaining > 0 && scalars >= dense_share * remaining) break;
        std::sort(rows.begin(), rows.end());
        if (!rows.empty()) children[rows.front()].push_back(j);
        const double height = static_cast<double>(scalars), k = static_cast<double>(s.at[j + 1] - s.at[j]);
        s.factor_flops += k * height * height;
        structure.push_back(std::move(rows));
    }
    s.head = static_cast<int>(structure.size());
    s.tail = s.q - s.at[s.head];
    s.factor_flops += std::pow(static_cast<double>(s.tail), 3) / 3;
    return structure;
}

void lay_out_head(Symbolic& s, const std::vector<std::vector<int>>& structure) {
    Int reached = 0;
    for (int j = 0; j < s.head; ++j)
        for (int r : structure[j])
            if (r >= s.head) reached += (s.at[r + 1] - s.at[r]) * (s.at[j + 1] - s.at[j]);
    s.panel = s.tail > 8 && reached > panel_share * static_cast<double>(s.tail) * static_cast<double>(s.at[s.head]);

    s.row_start.push_back(0), s.tail_start.push_back(0);
    std::vector<Int> children(s.head + 1, 0);
    for (int j = 0; j < s.head; ++j) {
        const Int k = s.at[j + 1] - s.at[j];
        for (int r : structure[j]) {
            if (r < s.head) {
                s.row.push_back(r);
                s.block_at.push_back(s.head_size);
                s.head_size += k * (s.at[r + 1] - s.at[r]);
                ++children[r + 1];
            } else if (!s.panel) {
                for (Int i = s.at[r]; i < s.at[r + 1]; ++i) s.tail_row.push_back(static_cast<int>(i - s.at[s.head]));
            }
        }
        s.row_start.push_back(static_cast<Int>(s.row.size()));
        s.tail_start.push_back(static_cast<Int>(s.tail_row.size()));
        s.panel_at.push_back(s.panel_size);
        s.panel_size += k * s.rows_in_tail(j);
    }
    std::partial_sum(children.begin(), children.end(), children.begin());
    s.child_start = children;
    s.child.resize(children.back()), s.child_entry.resize(children.back());
    std::vector<Int> next(children.begin(), children.end() - 1);
    for (int j = 0; j < s.head; ++j)
        for (Int e = s.row_start[j]; e < s.row_start[j + 1]; ++e) {
            s.child[next[s.row[e]]] = j;
            s.child_entry[next[s.row[e]]++] = e;
        }
}

// Where each block of A goes: a head block's entry, the first row within a panel, or (tail x tail) the tail's row.
void aim_cross_products(Symbolic& s) {
    s.a_target.resize(s.a_row.size());
    const Int base = s.at[s.head];
    for (int j = 0; j < s.nodes; ++j)
        for (Int e = s.a_start[j]; e < s.a_start[j + 1]; ++e) {
            const int r = s.a_row[e];
            if (r < s.head) {
                const auto from = s.row.begin() + s.row_start[j], to = s.row.begin() + s.row_start[j + 1];
                s.a_target[e] = static_cast<int>(std::lower_bound(from, to, r) - s.row.begin());
            } else if (j < s.head && !s.panel) {
                const auto from = s.tail_row.begin() + s.tail_start[j], to = s.tail_row.begin() + s.tail_start[j + 1];
                s.a_target[e] = static_cast<int>(std::lower_bound(from, to, static_cast<int>(s.at[r] - base)) - from);
            } else {
                s.a_target[e] = static_cast<int>(s.at[r] - base);
            }
        }
}

}  // namespace

Symbolic analyse(const std::vector<int>& K, const std::vector<Int>& levels, const std::vector<PairPattern>& pairs) {
    Symbolic s;
    s.K = K, s.levels = levels;
    for (std::size_t f = 0; f < K.size(); ++f) {
        s.offset.push_back(s.q);
        s.q += K[f] * levels[f];
    }
    s.at.push_back(0), s.diag_at.push_back(0);
    order_nodes(s, pairs);
    place_cross_products(s, pairs);
    lay_out_head(s, eliminate(s));
    aim_cross_products(s);
    return s;
}

}  // namespace henderson
