/*
 * The server that clients are measured against: one thread, epoll, and an answer that is always
 * the same, so that the client is what limits. It understands GET and HEAD without a body, keeps
 * connections as HTTP/1.1 and HTTP/1.0 do, and can be slow or stop answering on purpose.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BODY "Hello, world\n"
#define HEADERS "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
#define EVENTS 256
#define LONGEST_REQUEST 4096
#define BACKLOG 4096
#define NANOSECONDS 1000000000LL

/* The answer, by whether the connection is kept, and what an HTTP/1.0 client must be told of it. */
enum ending { KEPT, KEPT_AND_SAID, CLOSED };
static const char *const ANSWERS[] = {
    [KEPT] = HEADERS "\r\n" BODY,
    [KEPT_AND_SAID] = HEADERS "Connection: keep-alive\r\n\r\n" BODY,
    [CLOSED] = HEADERS "Connection: close\r\n\r\n" BODY,
};
static size_t lengths[3];

struct connection {
    uint32_t generation; /* descriptors are used again: an old answer must not reach a new client */
    uint32_t filled;
    char *buffer;
};

/* An answer that is due later. The delay is the same for all, so they are due in this order. */
struct answer {
    int64_t due;
    int socket;
    uint32_t generation;
    enum ending ending;
    bool headers_only;
};

static struct {
    int port;
    const char *path;
    int64_t delay, stall_at, stall_for;
    bool is_awake;
} settings;

static int poller, listener, timer, signals;
static struct connection *connections;
static size_t connection_count;
static struct answer *queue; /* a ring; its size is a power of two */
static size_t queue_size, queue_head, queue_length;
static int64_t first_request = -1;

static void fail(const char *what) {
    fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* When nobody is answered at `time`: until when. Otherwise `time`. */
static int64_t after_stall(int64_t time) {
    int64_t begin = first_request + settings.stall_at;
    bool stalled = settings.stall_for > 0 && time >= begin && time < begin + settings.stall_for;
    return stalled ? begin + settings.stall_for : time;
}

static void watch(int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
}

static void hang_up(int socket) {
    struct connection *connection = &connections[socket];
    connection->generation++;
    connection->filled = 0;
    close(socket);
}

static void send_answer(int socket, enum ending ending, bool headers_only) {
    size_t length = lengths[ending] - (headers_only ? sizeof BODY - 1 : 0);
    ssize_t sent = send(socket, ANSWERS[ending], length, MSG_NOSIGNAL);
    /* A client that leaves its answers unread is none of ours. */
    if (sent != (ssize_t)length || ending == CLOSED) hang_up(socket);
}

static void set_timer(int64_t due) {
    struct timespec time = {.tv_sec = due / NANOSECONDS, .tv_nsec = due % NANOSECONDS};
    struct itimerspec at = {.it_value = time};
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0) fail("timerfd_settime");
}

static void answer_later(struct answer answer) {
    if (queue_length == queue_size) {
        size_t size = queue_size ? 2 * queue_size : 1024;
        struct answer *grown = malloc(size * sizeof *grown);
        if (!grown) fail("malloc");
        for (size_t i = 0; i < queue_length; i++)
            grown[i] = queue[(queue_head + i) & (queue_size - 1)];
        free(queue);
        queue = grown, queue_size = size, queue_head = 0;
    }
    queue[(queue_head + queue_length++) & (queue_size - 1)] = answer;
    if (queue_length == 1) set_timer(after_stall(answer.due));
}

static void answer_what_is_due(void) {
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail("read of timer");
    int64_t time = now();
    while (queue_length > 0 && after_stall(time) == time && queue[queue_head].due <= time) {
        struct answer answer = queue[queue_head];
        queue_head = (queue_head + 1) & (queue_size - 1);
        queue_length--;
        if (connections[answer.socket].generation == answer.generation)
            send_answer(answer.socket, answer.ending, answer.headers_only);
    }
    if (queue_length > 0) {
        int64_t due = queue[queue_head].due;
        set_timer(after_stall(due > time ? due : time));
    }
}

static enum ending ending_of(const char *request) {
    const char *line_end = strstr(request, "\r\n");
    bool is_old = line_end - request >= 8 && memcmp(line_end - 8, "HTTP/1.0", 8) == 0;
    if (strcasestr(line_end, "\r\nConnection: close")) return CLOSED;
    if (!is_old) return KEPT;
    return strcasestr(line_end, "\r\nConnection: keep-alive") ? KEPT_AND_SAID : CLOSED;
}

static void handle(int socket, const char *request) {
    bool headers_only = memcmp(request, "HEAD", 4) == 0;
    enum ending ending = ending_of(request);
    bool is_plain = settings.delay == 0 && settings.stall_for == 0;
    if (is_plain) {
        send_answer(socket, ending, headers_only);
        return;
    }
    int64_t time = now();
    if (first_request < 0) first_request = time;
    if (settings.delay == 0 && queue_length == 0 && after_stall(time) == time) {
        send_answer(socket, ending, headers_only);
        return;
    }
    answer_later((struct answer){.due = time + settings.delay,
                                 .socket = socket,
                                 .generation = connections[socket].generation,
                                 .ending = ending,
                                 .headers_only = headers_only});
}

/* Reads once and handles every request that is complete. */
static void read_requests(int socket) {
    struct connection *connection = &connections[socket];
    size_t room = LONGEST_REQUEST - connection->filled;
    ssize_t got = read(socket, connection->buffer + connection->filled, room);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        hang_up(socket);
        return;
    }
    connection->filled += got;
    connection->buffer[connection->filled] = 0;
    uint32_t generation = connection->generation;
    char *begin = connection->buffer;
    for (char *end; (end = strstr(begin, "\r\n\r\n")); begin = end + 4) {
        char first_of_next = end[4];
        end[4] = 0;
        handle(socket, begin);
        if (connection->generation != generation) return;
        end[4] = first_of_next;
    }
    connection->filled -= begin - connection->buffer;
    if (connection->filled == LONGEST_REQUEST) hang_up(socket);
    else memmove(connection->buffer, begin, connection->filled);
}

static void accept_all(void) {
    int on = 1;
    for (int socket; (socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if ((size_t)socket >= connection_count) {
            close(socket);
            continue;
        }
        struct connection *connection = &connections[socket];
        if (!connection->buffer) connection->buffer = malloc(LONGEST_REQUEST + 1);
        if (!connection->buffer) fail("malloc");
        if (!settings.path) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(socket);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) fail("accept");
}

static void listen_on_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(settings.port)};
    socklen_t length = sizeof address;
    int on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, length) < 0) fail("bind");
    if (listen(listener, BACKLOG) < 0) fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
    printf("server listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
}

static void listen_on_path(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(settings.path) >= sizeof address.sun_path) errno = ENAMETOOLONG, fail("--unix");
    strcpy(address.sun_path, settings.path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) fail("socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, BACKLOG) < 0) fail("listen");
    printf("server listening on %s\n", settings.path);
}

static void prepare(void) {
    struct rlimit limit;
    sigset_t stop;
    for (int i = 0; i < 3; i++) lengths[i] = strlen(ANSWERS[i]);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) fail("setrlimit");
    connection_count = limit.rlim_cur;
    connections = calloc(connection_count, sizeof *connections);
    if (!connections) fail("calloc");
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) < 0) fail("sigprocmask");
    signals = signalfd(-1, &stop, SFD_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (signals < 0 || timer < 0 || poller < 0) fail("setup");
    if (settings.path) listen_on_path();
    else listen_on_port();
    fflush(stdout);
    watch(listener);
    watch(timer);
    watch(signals);
}

static void serve(void) {
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, settings.is_awake ? 0 : -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            int ready = events[i].data.fd;
            if (ready == signals) return;
            if (ready == listener) accept_all();
            else if (ready == timer) answer_what_is_due();
            else read_requests(ready);
        }
    }
}

static void usage(FILE *out) {
    fputs("usage: server [--port N | --unix PATH] [--delay-us N] [--stall-at S --stall-for S]\n"
          "              [--awake]\n"
          "\n"
          "Answers every GET and HEAD on 127.0.0.1 with 200 and a body of 13 bytes, until SIGTERM.\n"
          "\n"
          "  --port N       where to listen; 0, the default, takes a free port, which is printed\n"
          "  --unix PATH    listens there instead\n"
          "  --delay-us N   answers N microseconds later, without letting others wait\n"
          "  --stall-at S   once, S seconds after the first request, answers nobody\n"
          "  --stall-for S  for S seconds, and then all that wait\n"
          "  --awake        never sleeps, so that no request waits for its core to wake\n",
          out);
}

/* The number of an option, from 0 to `most`; anything else is refused. */
static double number(const char *text, double most) {
    char *end;
    double value = strtod(text, &end);
    if (end != text && *end == 0 && value >= 0 && value <= most) return value;
    fprintf(stderr, "server: '%s' is no number from 0 to %g\n", text, most);
    exit(2);
}

static void read_settings(int count, char **words) {
    static const struct option OPTIONS[] = {
        {"port", required_argument, NULL, 'p'},      {"unix", required_argument, NULL, 'u'},
        {"delay-us", required_argument, NULL, 'd'},  {"stall-at", required_argument, NULL, 'a'},
        {"stall-for", required_argument, NULL, 'f'}, {"awake", no_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    for (int option; (option = getopt_long(count, words, "", OPTIONS, NULL)) >= 0;) {
        switch (option) {
        case 'p': settings.port = (int)number(optarg, 65535); break;
        case 'u': settings.path = optarg; break;
        case 'd': settings.delay = (int64_t)(number(optarg, 1e9) * 1000); break;
        case 'a': settings.stall_at = (int64_t)(number(optarg, 1e6) * NANOSECONDS); break;
        case 'w': settings.is_awake = true; break;
        case 'f': settings.stall_for = (int64_t)(number(optarg, 1e6) * NANOSECONDS); break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (optind < count) usage(stderr), exit(2);
}

int main(int count, char **words) {
    read_settings(count, words);
    prepare();
    serve();
    if (settings.path) unlink(settings.path);
    return 0;
}
