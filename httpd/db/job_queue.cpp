// The bounded queue between HTTP workers and database threads: see job_queue.hpp.
#include "db/job_queue.hpp"

namespace tallyd {

bool JobQueue::push(Job* job) {
    const std::lock_guard lock(mutex_);
    if (closed_ || jobs_.size() >= most_jobs_ || (!jobs_.empty() && bytes_ + job->bytes() > most_bytes_)) return false;
    jobs_.push_back(job);
    bytes_ += job->bytes();
    if (may_be_taken()) call_one();  // otherwise whoever has the batch in flight takes it next
    return true;
}

void JobQueue::give_back(const std::vector<Job*>& jobs) {
    const std::lock_guard lock(mutex_);
    jobs_.insert(jobs_.begin(), jobs.begin(), jobs.end());
    for (const Job* job : jobs) bytes_ += job->bytes();
    call_one();
}

bool JobQueue::may_be_taken() const noexcept {
    if (jobs_.empty()) return false;
    return gathering_ == 0 || jobs_.size() >= policy_.beside_requests || bytes_ >= policy_.alone_bytes;
}

Batch JobQueue::take(Clock::duration patience) {
    std::unique_lock lock(mutex_);
    if (!may_be_taken()) rest(lock, patience);
    Batch taken;
    if (!may_be_taken()) return taken;
    BatchFill fill(policy_);
    while (!jobs_.empty()) {
        Job* job = jobs_.front();
        // A job that was in a failed statement twice goes alone: should it be the cause, it takes nobody with it.
        if (!fill.takes(job->bytes(), job->attempts > 1)) break;
        jobs_.pop_front();
        forget(*job);
        taken.jobs.push_back(job);
    }
    // A large body, or one that may wait for somebody's transaction, lets the small ones pass.
    taken.gathers = !fill.closed();
    if (taken.gathers) ++gathering_;
    return taken;
}

void JobQueue::served(bool gathers) {
    const std::lock_guard lock(mutex_);
    if (gathers) --gathering_;
    if (may_be_taken()) call_one();
}

void JobQueue::rest(std::unique_lock<std::mutex>& lock, Clock::duration patience) {
    Waiter self;
    waiting_.push_back(&self);
    if (!self.ready.wait_for(lock, patience, [&self] { return self.called; })) std::erase(waiting_, &self);
}

// Under the lock: a waiter lives until it has it again.
void JobQueue::call_one() noexcept {
    if (waiting_.empty()) return;
    Waiter* const last = waiting_.back();
    waiting_.pop_back();
    last->called = true;
    last->ready.notify_one();
}

std::vector<Job*> JobQueue::expire(Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    std::vector<Job*> expired;
    std::erase_if(jobs_, [&](Job* job) {
        if (job->expires > now) return false;
        forget(*job);
        expired.push_back(job);
        return true;
    });
    return expired;
}

std::vector<Job*> JobQueue::take_all() {
    const std::lock_guard lock(mutex_);
    std::vector<Job*> all(jobs_.begin(), jobs_.end());
    jobs_.clear();
    bytes_ = 0;
    return all;
}

void JobQueue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

void JobQueue::wake() {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty()) call_one();
}

std::size_t JobQueue::jobs() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size();
}

std::size_t JobQueue::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

std::size_t JobQueue::idle() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
}

bool JobQueue::full() const {
    const std::lock_guard lock(mutex_);
    return jobs_.size() >= most_jobs_ || bytes_ >= most_bytes_;
}

}  // namespace tallyd
