/*
 * The prober that others are held against: blocking sockets, the monotonic clock, the fewest
 * system calls that do it, and nothing between them. One line a probe, in nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct probe {
    int64_t connect, wait, total;
};

static struct sockaddr_in address;
static char request[256], answer[4096];
static int request_length;

static void fail(const char *what) {
    fprintf(stderr, "client: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int open_connection(void) {
    int on = 1, connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection < 0) fail("socket");
    if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) fail("setsockopt");
    if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    return connection;
}

/* Whether the answer is complete: its headers, and as much after them as they announce. */
static bool is_complete(size_t filled) {
    answer[filled] = 0;
    const char *end = strstr(answer, "\r\n\r\n");
    const char *length = strcasestr(answer, "\r\nContent-Length:");
    if (!end) return false;
    if (!length || length > end) errno = 0, fail("an answer without Content-Length");
    return filled >= (size_t)(end + 4 - answer) + strtoul(length + 17, NULL, 10);
}

/* Asks once, and reads the whole answer. `begin`: when the probe began. */
static struct probe ask(int connection, int64_t begin) {
    int64_t connected = now(), first = 0;
    errno = 0;
    if (write(connection, request, request_length) != request_length) fail("write");
    for (size_t filled = 0; filled == 0 || !is_complete(filled);) {
        ssize_t got = read(connection, answer + filled, sizeof answer - 1 - filled);
        if (got <= 0) fail("read");
        if (filled == 0) first = now();
        filled += got;
    }
    int64_t done = now();
    errno = 0;
    if (strncmp(answer, "HTTP/1.1 200", 12) != 0) fail("an answer other than 200");
    return (struct probe){connected - begin, first - connected, done - begin};
}

static void print(struct probe probe) {
    long long connect = probe.connect, wait = probe.wait, total = probe.total;
    printf("%lld %lld %lld\n", connect, wait, total);
}

static void probe_new(int count) {
    while (count-- > 0) {
        int64_t begin = now();
        int connection = open_connection();
        print(ask(connection, begin));
        close(connection);
    }
}

static void probe_kept(int count) {
    int connection = open_connection();
    while (count-- > 0) {
        struct probe probe = ask(connection, now());
        probe.connect = 0;
        print(probe);
    }
    close(connection);
}

int main(int count, char **words) {
    bool is_kept = count == 5 && strcmp(words[4], "kept") == 0;
    bool is_new = count == 4 || (count == 5 && strcmp(words[4], "new") == 0);
    if (!is_kept && !is_new) {
        fputs("usage: client IP PORT COUNT [new|kept]\n"
              "\n"
              "Asks for / COUNT times, each time on a new connection, or always on one that is\n"
              "kept. Prints for each the nanoseconds to connect, from there to the first byte of\n"
              "the answer, and in all.\n",
              stderr);
        return 2;
    }
    address.sin_family = AF_INET;
    address.sin_port = htons(atoi(words[2]));
    if (inet_pton(AF_INET, words[1], &address.sin_addr) != 1) errno = EINVAL, fail(words[1]);
    request_length = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s:%s\r\n%s\r\n",
                              words[1], words[2], is_kept ? "" : "Connection: close\r\n");
    static char lines[1 << 16];
    /* Nothing is printed between two probes. */
    setvbuf(stdout, lines, _IOFBF, sizeof lines);
    if (is_kept) probe_kept(atoi(words[3]));
    else probe_new(atoi(words[3]));
    return 0;
}
