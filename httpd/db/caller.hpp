// Serves every lane but that of batches: one prepared statement of one job at a time.
#pragma once

#include "db/database_thread.hpp"

namespace tallyd {

class Caller final : public DatabaseThread {
public:
    using DatabaseThread::DatabaseThread;

private:
    void serve(std::vector<Job*> jobs) override;

    void call(Job& job);
    void answer(Job& job, const Outcome& outcome, std::string lag);
    void lost(Job& job, bool surely_nothing_done);
};

}  // namespace tallyd
