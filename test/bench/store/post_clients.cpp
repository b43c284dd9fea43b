// Clients that post one event a request over keep-alive connections, each the next when the answer to the last is there; as
// cheap as pgbench's, since they share the machine with the server.
// usage: post_clients PORT KEY CLIENTS SECONDS      prints: answers a second, mean, p50 and p99 in ms, how many were not 200
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Client {
    int socket = -1;
    Clock::time_point sent;
    std::string answer;
};

struct Run {
    std::string key;
    std::mt19937_64 random{std::random_device{}()};
    std::vector<double> taken;
    long failed = 0;
};

std::string event_body(Run& run) {
    const auto a = run.random(), b = run.random();
    char time[32], body[512];
    const std::time_t now = std::time(nullptr);
    std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    std::snprintf(
        body, sizeof body,
        R"({"events":[{"event_id":"%08x-%04x-4%03x-a%03x-%012llx","code":"code-%d","customer_id":"customer-%d","timestamp":"%s",)"
        R"("properties":{"value":%d.25,"region":"region-%d","model":"model-%d","user_id":"user-%d"}}]})",
        unsigned(a), unsigned(a >> 32) & 0xffff, unsigned(a >> 48) & 0xfff, unsigned(b) & 0xfff,
        (unsigned long long)(b >> 16), int(a % 20), int(b % 10000), time, int(a % 1000), int(b % 8), int(b % 20),
        int(a % 200000));
    return body;
}

bool post(Run& run, Client& client) {
    const std::string body = event_body(run);
    const std::string text = "POST /api/v1/events/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + run.key +
                             "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + body;
    client.answer.clear();
    client.sent = Clock::now();
    return send(client.socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

bool complete(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    auto at = answer.find("ontent-");
    while (at != std::string::npos && answer.compare(at + 7, 7, "Length:") != 0 && answer.compare(at + 7, 7, "length:") != 0)
        at = answer.find("ontent-", at + 1);
    const auto length = at < end ? std::strtoul(answer.c_str() + at + 14, nullptr, 10) : 0;
    return answer.size() >= end + 4 + length;
}

int connect_to(int port) {
    const int one = 1, made = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (made < 0 || connect(made, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return made;
}

// Takes what came; false: the connection is of no more use.
bool take(Run& run, Client& client, bool again) {
    char buffer[4096];
    const ssize_t got = recv(client.socket, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    client.answer.append(buffer, static_cast<std::size_t>(got));
    if (!complete(client.answer)) return true;
    run.taken.push_back(std::chrono::duration<double, std::milli>(Clock::now() - client.sent).count());
    if (client.answer.compare(9, 3, "200") != 0) ++run.failed;
    return again && post(run, client);
}

void report(Run& run, double seconds) {
    std::sort(run.taken.begin(), run.taken.end());
    const auto at = [&](double share) {
        return run.taken[static_cast<std::size_t>(share * static_cast<double>(run.taken.size() - 1))];
    };
    double sum = 0;
    for (const double one : run.taken) sum += one;
    const auto count = static_cast<double>(run.taken.size());
    std::printf("%.1f %.4f %.4f %.4f %ld\n", count / seconds, sum / count, at(0.5), at(0.99), run.failed);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    Run run;
    run.key = argv[2];
    std::vector<Client> clients(std::strtoul(argv[3], nullptr, 10));
    const int poll = epoll_create1(0);
    for (std::size_t i = 0; i < clients.size(); ++i) {
        clients[i].socket = connect_to(std::atoi(argv[1]));
        if (clients[i].socket < 0) return std::perror("connect"), 1;
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.u64 = i;
        epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].socket, &wanted);
    }
    const auto began = Clock::now();
    const auto end = began + std::chrono::duration<double>(std::atof(argv[4]));
    for (Client& client : clients) run.failed += !post(run, client);
    std::size_t open = clients.size();
    std::vector<epoll_event> events(1024);
    while (open > 0) {
        const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), 30000);
        if (ready <= 0) return std::fprintf(stderr, "no answer for 30 s\n"), 1;
        for (int i = 0; i < ready; ++i) {
            Client& client = clients[events[static_cast<std::size_t>(i)].data.u64];
            const bool going = Clock::now() < end;
            const std::size_t before = run.taken.size();
            const bool fine = take(run, client, going);
            if (fine || (before < run.taken.size() && !going)) {
                if (going || before == run.taken.size()) continue;
            } else {
                ++run.failed;
            }
            close(client.socket);
            --open;
        }
    }
    if (run.taken.empty()) return 1;
    report(run, std::chrono::duration<double>(Clock::now() - began).count());
}
