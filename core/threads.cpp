#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

namespace henderson {

void in_parallel(int threads, Int tasks, const std::function<void(Int)>& task) {
    std::atomic<Int> next{0};
    std::atomic<bool> failed{false};
    std::exception_ptr first;
    auto work = [&] {
        try {
            for (Int i = next++; i < tasks && !failed; i = next++) task(i);
        } catch (...) {
            if (!failed.exchange(true)) first = std::current_exception();
        }
    };
    std::vector<std::thread> others;
    try {
        for (Int i = 1; i < std::min(Int{threads}, tasks); ++i) others.emplace_back(work);
    } catch (const std::system_error&) {  // no more threads to be had: those that there are do it
    }
    work();
    for (auto& other : others) other.join();
    if (first) std::rethrow_exception(first);
}

}  // namespace henderson
