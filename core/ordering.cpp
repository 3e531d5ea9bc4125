#include "ordering.hpp"

#include <algorithm>
#include <numeric>

namespace henderson {

namespace {

// Nodes by degree, in doubly linked lists.
struct DegreeLists {
    std::vector<int> first, next, last;
    int least = 0;

    DegreeLists(int nodes, int total) : first(total + 1, -1), next(nodes, -1), last(nodes, -1) {}

    void insert(int i, int degree) {
        next[i] = first[degree], last[i] = -1;
        if (next[i] >= 0) last[next[i]] = i;
        first[degree] = i;
        least = std::min(least, degree);
    }
    void remove(int i, int degree) {
        (last[i] >= 0 ? next[last[i]] : first[degree]) = next[i];
        if (next[i] >= 0) last[next[i]] = last[i];
    }
    int lightest() {
        while (first[least] < 0) ++least;
        return first[least];
    }
};

// The graph of what remains, without ever forming its fill: an eliminated node becomes an element, whose members are
// mutually adjacent. A variable knows the variables it met in the data and no element covers yet, and its elements.
// Variables that cannot be told apart are one, of the sum of their weights.
class QuotientGraph {
  public:
    QuotientGraph(const Graph& graph, double dense)
        : weight(graph.weight), degree(weight.size(), 0), size(weight.size(), 0), beyond(weight.size(), 0), mark(weight.size(), -1),
          variables(weight.size()), elements(weight.size()), members(weight.size()), inside(weight.size()),
          remaining(std::accumulate(weight.begin(), weight.end(), 0)), lists(static_cast<int>(weight.size()), remaining) {
        const int nodes = static_cast<int>(weight.size());
        for (int i = 0; i < nodes; ++i)
            if (static_cast<double>(graph.start[i + 1] - graph.start[i]) > dense) late += weight[i], weight[i] = 0;
        remaining -= late;
        for (int i = 0; i < nodes; ++i) {
            if (weight[i] == 0) continue;
            for (Int e = graph.start[i]; e < graph.start[i + 1]; ++e) {
                const int j = graph.neighbour[e];
                if (weight[j] == 0) continue;
                variables[i].push_back(j);
                degree[i] += weight[j];
            }
            lists.insert(i, degree[i]);
        }
    }

    // Eliminates nodes until the shortest column reaches `share` of what remains.
    std::vector<int> eliminate(double share) {
        std::vector<int> order;
        while (remaining > 0) {
            const int p = lists.lightest();
            if (degree[p] >= share * (remaining + late - weight[p]) && degree[p] > 0) break;
            lists.remove(p, degree[p]);
            form_element(p);
            measure_elements(p);
            for (int i : members[p]) update(p, i);
            merge_twins();
            close(p);
            append(p, order);
        }
        return order;
    }

  private:
    std::vector<int> weight;               // 0: eliminated, or one with another variable
    std::vector<int> degree;               // of variables: upper bound of the weight of their neighbours
    std::vector<int> size;                 // of elements: weight of their members
    std::vector<Int> beyond;               // of elements: step's stamp + weight outside the newest element
    std::vector<int> mark;                 // variables: the newest element they are members of
    std::vector<std::vector<int>> variables, elements, members;
    std::vector<std::vector<int>> inside;  // nodes that go with this one
    int remaining, late = 0;               // weight still to be eliminated; weight of the dense nodes
    DegreeLists lists;
    Int stamp = 1;
    std::vector<std::pair<Int, int>> hashes;

    bool dead_element(int e) const { return size[e] == 0; }

    // p's neighbours: the variables beside it and the members of its elements, which it absorbs
    void form_element(int p) {
        auto& L = members[p];
        mark[p] = p;
        auto add = [&](int i) {
            if (weight[i] == 0 || mark[i] == p) return;
            mark[i] = p;
            L.push_back(i);
            size[p] += weight[i];
            lists.remove(i, degree[i]);
        };
        for (int i : variables[p]) add(i);
        for (int e : elements[p]) {
            for (int i : members[e]) add(i);
            drop_element(e);
        }
        remaining -= weight[p];
        weight[p] = 0;
        variables[p] = {}, elements[p] = {};
    }

    void drop_element(int e) {
        size[e] = 0;
        std::vector<int>().swap(members[e]);
    }

    // beyond[e] - stamp := weight of the members of e outside p's, for every element that p's members touch
    void measure_elements(int p) {
        stamp += remaining + 1;
        for (int i : members[p])
            for (int e : elements[i]) {
                if (dead_element(e)) continue;
                if (beyond[e] < stamp) beyond[e] = stamp + size[e];
                beyond[e] -= weight[i];
            }
    }

    // Variable i forgets what p covers; its degree is bounded from above.
    void update(int p, int i) {
        const int others = size[p] - weight[i];
        Int bound = others, hash = p;
        auto& E = elements[i];
        std::size_t kept = 0;
        for (int e : E) {
            if (dead_element(e)) continue;
            const Int outside = beyond[e] - stamp;
            if (outside == 0) {  // covered by p altogether
                drop_element(e);
                continue;
            }
            bound += outside, hash += e;
            E[kept++] = e;
        }
        E.resize(kept);
        E.push_back(p);
        auto& V = variables[i];
        kept = 0;
        for (int j : V) {
            if (weight[j] == 0 || mark[j] == p) continue;
            bound += weight[j], hash += j;
            V[kept++] = j;
        }
        V.resize(kept);
        degree[i] = static_cast<int>(std::min({bound, Int{degree[i]} + others, Int{remaining} - weight[i]}));
        hashes.emplace_back(hash, i);
    }

    // Members of p with the same neighbours become one.
    void merge_twins() {
        std::sort(hashes.begin(), hashes.end());
        for (std::size_t a = 0; a < hashes.size(); ++a) {
            const int i = hashes[a].second;
            if (weight[i] == 0) continue;
            for (std::size_t b = a + 1; b < hashes.size() && hashes[b].first == hashes[a].first; ++b) {
                const int j = hashes[b].second;
                if (weight[j] > 0 && twins(i, j)) join(i, j);
            }
        }
        hashes.clear();
    }

    bool twins(int i, int j) {
        if (variables[i].size() != variables[j].size() || elements[i].size() != elements[j].size()) return false;
        stamp += remaining + 1;
        for (int e : elements[i]) beyond[e] = stamp;
        for (int e : elements[j])
            if (beyond[e] != stamp) return false;
        auto &a = variables[i], &b = variables[j];
        std::sort(a.begin(), a.end()), std::sort(b.begin(), b.end());
        return a == b;
    }

    void join(int i, int j) {
        degree[i] -= weight[j];
        weight[i] += weight[j];
        weight[j] = 0;
        inside[i].push_back(j);
        variables[j] = {}, elements[j] = {};
    }

    // Variables with no neighbour outside p's go with p; the others return to their lists.
    void close(int p) {
        auto& L = members[p];
        std::size_t kept = 0;
        for (int i : L) {
            if (weight[i] == 0) continue;
            if (variables[i].empty() && elements[i].size() == 1) {
                size[p] -= weight[i];
                remaining -= weight[i];
                weight[i] = 0;
                inside[p].push_back(i);
                continue;
            }
            L[kept++] = i;
        }
        L.resize(kept);
        for (int i : L) {
            degree[i] = std::min(degree[i], remaining - weight[i]);
            lists.insert(i, degree[i]);
        }
        if (L.empty()) drop_element(p);
    }

    void append(int p, std::vector<int>& order) const {
        const std::size_t from = order.size();
        order.push_back(p);
        for (std::size_t at = from; at < order.size(); ++at) order.insert(order.end(), inside[order[at]].begin(), inside[order[at]].end());
    }
};

}  // namespace

std::vector<int> minimum_degree(const Graph& graph, double share) {
    const double dense = std::max(16.0, 2.5 * std::sqrt(static_cast<double>(graph.weight.size())));
    return QuotientGraph(graph, dense).eliminate(share);
}

}  // namespace henderson
