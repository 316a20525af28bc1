/* What the lab's own test deploys: answers each HTTP request with the host name and ends on SIGTERM. Static, so that an
 * image needs nothing else. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void stop(int signal) {
    (void)signal;
    _exit(0);
}

static void answer(int connection, const char *name) {
    char text[512];
    if (read(connection, text, sizeof text) > 0) {
        int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s\n", strlen(name) + 1, name);
        if (write(connection, text, size) != size)
            perror("write");
    }
    close(connection);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    char name[256] = "";
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    /* The first process of a container has no default signal handlers. */
    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    gethostname(name, sizeof name - 1);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) {
        perror("port 80");
        return EXIT_FAILURE;
    }
    for (;;)
        answer(accept(listener, NULL, NULL), name);
}
