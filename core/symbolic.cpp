#include "symbolic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "ordering.hpp"

namespace henderson {

namespace {

// A scattered multiply-add costs about twenty dense ones, and BLAS is at half its speed on a matrix of this size; what it
// loses on one column is no more than the column's own length and a little.
constexpr double scattered = 20, slow_size = 100, little = 4;
// Columns that reach this share of what remains are never worth being sparse.
constexpr double dense_share = 0.5;
// Minimum degree takes some hundred operations for every pair of levels that meet: where factors are cheaper than that
// it is not tried.
constexpr double worth_ordering = 1500, worth_ordering_at_all = 1e9;

// Multiply-adds of a dense tail of t columns and of what h columns padded to full height bring to it
double tail_cost(double t) { return t * t * t / 3 + std::min(slow_size, t + little) * t * t; }
double panel_cost(double h, double t) { return h * t * (t + slow_size); }

struct Node {
    int grouping, level;
};

Graph level_graph(const Symbolic& s, const std::vector<Int>& first, const std::vector<PairPattern>& pairs) {
    Graph graph;
    for (std::size_t f = 0; f < s.K.size(); ++f) graph.weight.insert(graph.weight.end(), s.levels[f], s.K[f]);
    graph.start.assign(graph.weight.size() + 1, 0);
    auto every_pair = [&](auto&& visit) {
        for (const auto& p : pairs)
            for (Int g = 0; g < s.levels[p.first]; ++g)
                for (Int e = p.start[g]; e < p.start[g + 1]; ++e) visit(first[p.first] + g, first[p.second] + p.partner[e]);
    };
    every_pair([&](Int a, Int b) { ++graph.start[a + 1], ++graph.start[b + 1]; });
    std::partial_sum(graph.start.begin(), graph.start.end(), graph.start.begin());
    graph.neighbour.resize(graph.start.back());
    std::vector<Int> next(graph.start.begin(), graph.start.end() - 1);
    every_pair([&](Int a, Int b) {
        graph.neighbour[next[a]++] = static_cast<int>(b), graph.neighbour[next[b]++] = static_cast<int>(a);
    });
    return graph;
}

// Factor by factor, the one with most levels first, then by increasing degree.
std::vector<Node> order_by_factor(const Symbolic& s, const std::vector<PairPattern>& pairs) {
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
    std::vector<Node> nodes;
    for (int i = 0; i < groupings; ++i) {
        const int f = by_size[i];
        std::vector<int> order(s.levels[f]);
        std::iota(order.begin(), order.end(), 0);
        if (i > 0)  // the first factor makes no fill among its own levels, whatever their order
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return degree[f][a] < degree[f][b]; });
        for (int g : order) nodes.push_back({f, g});
    }
    return nodes;
}

// By minimum degree as far as that goes, then as before.
std::vector<Node> order_by_degree(const Symbolic& s, const std::vector<Node>& by_factor, const std::vector<PairPattern>& pairs) {
    std::vector<Int> first(s.K.size() + 1, 0);
    std::partial_sum(s.levels.begin(), s.levels.end(), first.begin() + 1);
    std::vector<Node> every(first.back()), nodes;
    for (const Node& v : by_factor) every[first[v.grouping] + v.level] = v;
    std::vector<bool> done(every.size(), false);
    for (int i : minimum_degree(level_graph(s, first, pairs), dense_share)) {
        nodes.push_back(every[i]);
        done[i] = true;
    }
    for (const Node& v : by_factor)
        if (!done[first[v.grouping] + v.level]) nodes.push_back(v);
    return nodes;
}

void take_order(Symbolic& s, const std::vector<Node>& nodes) {
    s.at.push_back(0), s.diag_at.push_back(0);
    for (const Node& v : nodes) {
        s.grouping.push_back(v.grouping);
        s.level.push_back(v.level);
        s.at.push_back(s.at.back() + s.K[v.grouping]);
        s.diag_at.push_back(s.diag_at.back() + s.K[v.grouping] * s.K[v.grouping]);
    }
    s.nodes = static_cast<int>(nodes.size());
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

// The analysis may take a quarter of a gigabyte: what is left then counts as dense, and whoever asks sees what that would take.
constexpr Int most_entries = Int{1} << 26;

using Structures = std::vector<std::vector<int>>;

// Column structures of L by the elimination tree: struct(j) is the pattern of A below j joined with the structures of the
// children of j. The head ends where that costs least; what is sparse only grows, so that the search for it ends too.
// Returns the structures of the head.
Structures eliminate(Symbolic& s) {
    Structures structure, children(s.nodes);
    std::vector<int> mark(s.nodes, -1);
    std::vector<double> square;
    double squares = 0, inner = 0;  // of all columns, of those that reach another node of the head
    auto consider = [&](int head) {
        const double t = static_cast<double>(s.q - s.at[head]), sparse = scattered * squares;
        const double padded = scattered * inner + panel_cost(static_cast<double>(s.at[head]), t);
        const double cost = std::min(sparse, padded) + tail_cost(t);
        if (head > 0 && cost > s.cost) return sparse < s.cost || head < s.levels[s.grouping[0]];
        s.head = head, s.cost = cost, s.panel = t > 8 && padded < sparse;
        s.factor_flops = (s.panel ? inner + static_cast<double>(s.at[head]) * t * t : squares) + t * t * t / 3;
        return true;
    };
    Int entries = 0;
    for (int j = 0; consider(j) && j < s.nodes && entries < most_entries; ++j) {
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
        std::sort(rows.begin(), rows.end());
        if (!rows.empty()) children[rows.front()].push_back(j);
        square.push_back(static_cast<double>(s.at[j + 1] - s.at[j]) * static_cast<double>(scalars) * static_cast<double>(scalars));
        squares += square.back();
        for (int c : children[j]) inner += square[c];
        entries += static_cast<Int>(rows.size());
        structure.push_back(std::move(rows));
    }
    structure.resize(s.head);
    s.tail = s.q - s.at[s.head];
    return structure;
}

void lay_out_head(Symbolic& s, const Structures& structure) {
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

// For every band of the tail the pieces of head columns that reach it. A band should stay in a processor's own cache, and
// there should be enough of them to share.
void cut_tail_into_bands(Symbolic& s) {
    if (s.panel || s.tail == 0) return;
    constexpr Int cached = 1 << 17, enough = 8;
    s.band = std::max(Int{1}, std::min(cached / s.tail, (s.tail + enough - 1) / enough));
    auto every_piece = [&](auto&& visit) {
        for (int j = 0; j < s.head; ++j)
            for (Int e = s.tail_start[j], end; e < s.tail_start[j + 1]; e = end) {
                const Int band = s.tail_row[e] / s.band;
                for (end = e + 1; end < s.tail_start[j + 1] && s.tail_row[end] < (band + 1) * s.band;) ++end;
                visit(band, Reach{j, e, end});
            }
    };
    s.span_start.assign(s.bands() + 1, 0);
    every_piece([&](Int band, const Reach&) { ++s.span_start[band + 1]; });
    std::partial_sum(s.span_start.begin(), s.span_start.end(), s.span_start.begin());
    s.span.resize(s.span_start.back());
    std::vector<Int> next(s.span_start.begin(), s.span_start.end() - 1);
    every_piece([&](Int band, const Reach& piece) { s.span[next[band]++] = piece; });
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

Symbolic analyse(const std::vector<int>& K, const std::vector<Int>& levels, const std::vector<PairPattern>& pairs,
                 bool by_factor) {
    Symbolic groupings;
    groupings.K = K, groupings.levels = levels;
    for (std::size_t f = 0; f < K.size(); ++f) {
        groupings.offset.push_back(groupings.q);
        groupings.q += K[f] * levels[f];
    }
    Structures structure;
    auto in_order = [&](const std::vector<Node>& nodes, Structures& found) {
        Symbolic s = groupings;
        take_order(s, nodes);
        place_cross_products(s, pairs);
        found = eliminate(s);
        return s;
    };
    const auto usual_order = order_by_factor(groupings, pairs);
    Symbolic s = in_order(usual_order, structure);
    const double usual = s.cost;
    if (!by_factor && s.cost > worth_ordering_at_all && s.cost > worth_ordering * static_cast<double>(s.a_row.size())) {
        Structures other;
        Symbolic rival = in_order(order_by_degree(groupings, usual_order, pairs), other);
        if (rival.cost < 0.9 * s.cost) {
            s = std::move(rival), structure = std::move(other);
            s.minimum_degree = true;
        }
    }
    s.cost_by_factor = usual;
    lay_out_head(s, structure);
    cut_tail_into_bands(s);
    aim_cross_products(s);
    return s;
}

}  // namespace henderson
