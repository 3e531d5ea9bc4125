// Work shared by threads that live as long as it does. A task must write where no other task writes: then the result
// does not depend on which thread takes it, nor on how many there are.
#pragma once
#include <functional>

#include "small.hpp"

namespace henderson {

// task(i) for i = 0 ... tasks - 1, each once, lower numbers first; returns when all are done
void in_parallel(int threads, Int tasks, const std::function<void(Int)>& task);

}  // namespace henderson
