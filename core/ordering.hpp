// Elimination orders of a weighted graph that keep the fill of a Cholesky factor small.
#pragma once
#include <vector>

#include "small.hpp"

namespace henderson {

// Undirected graph, every edge in both rows; weight: scalar columns of a node.
struct Graph {
    std::vector<int> weight;
    std::vector<Int> start;     // (nodes + 1) into neighbour
    std::vector<int> neighbour;
};

// Approximate minimum degree (Amestoy, Davis & Duff 1996, SIAM J. Matrix Anal. Appl. 17, 886-905): always next the node
// whose column of L is about the shortest. Nodes with very many neighbours, which would be met at every step, are left
// out. Stops when that column would reach `share` of what remains. Returns the nodes ordered so far, first to last; the
// rest is about one dense matrix, in which the order does not matter.
std::vector<int> minimum_degree(const Graph& graph, double share);

}  // namespace henderson
