/* The subject of `programs.rs` in C: it tries what a sealed boot refuses, in every usual way, and says what came of each.
 *
 * attempts run BASE       each file that it tries to make is BASE.something
 * attempts child PATH     what it starts: it tries to make PATH, and ends with 7
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define THERE "/app/execute.mjs"
#define NOWHERE "203.0.113.7"
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#endif

extern char **environ;
static char *own;
static const char *base;

static const char *at(const char *word) {
    static __thread char path[512];
    snprintf(path, sizeof path, "%s.%s", base, word);
    return path;
}

/* Whether it succeeded, in one write: musl's and glibc's words for an error are not the same. */
static void came_of(const char *what, long result) {
    printf("%s %s\n", what, result >= 0 ? "done" : errno == ENOSYS ? "no such call" : "refused");
}

static struct sockaddr_in nowhere(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, NOWHERE, &to.sin_addr);
    return to;
}

static void makes(void) {
    struct { unsigned long long flags, mode, resolve; } how = {O_WRONLY | O_CREAT, 0600, 0};
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    came_of("open", open(at("open"), O_WRONLY | O_CREAT, 0600));
    came_of("creat", creat(at("creat"), 0600));
    came_of("openat2", syscall(SYS_openat2, AT_FDCWD, at("openat2"), &how, sizeof how));
    came_of("mkdir", mkdir(at("mkdir"), 0700));
    came_of("mkfifo", mkfifo(at("mkfifo"), 0600));
    came_of("symlink", symlink("anything", at("symlink")));
    came_of("link", link(THERE, at("link")));
    came_of("rename", rename(THERE, at("rename")));
    snprintf(name.sun_path, sizeof name.sun_path, "%s", at("bind"));
    came_of("bind", bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name));
    came_of("open-there", open(THERE, O_RDWR));
    came_of("truncate", truncate(THERE, 0));
    came_of("unlink", unlink(THERE));
    came_of("chmod", chmod(THERE, 0777));
    came_of("chown", chown(THERE, 1000, 1000));
    came_of("utimensat", utimensat(AT_FDCWD, THERE, now, 0));
    came_of("setxattr", setxattr(THERE, "user.adamant", "x", 1, 0));
}

/* A file that it may write, changed through memory alone. */
static void maps(void) {
    char path[256];
    snprintf(path, sizeof path, "/tmp/%s.mapped", strrchr(base, '/') + 1);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    came_of("mapped", ftruncate(fd, 4096));
    char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        memory[0] = 'x';
}

static void sends(void) {
    struct sockaddr_in to = nowhere(1001), by = nowhere(1002), many = nowhere(1003), tcp = nowhere(1004), name = nowhere(53);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(1005)};
    struct iovec piece = {"x", 1};
    struct msghdr message = {.msg_name = &by, .msg_namelen = sizeof by, .msg_iov = &piece, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = {.msg_name = &many, .msg_namelen = sizeof many, .msg_iov = &piece, .msg_iovlen = 1}};
    static const char question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08registry\x07" "example\0\0\x01\0\x01";
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET6, "2001:db8::7", &six.sin6_addr);
    came_of("sendto", sendto(udp, "x", 1, 0, (void *)&to, sizeof to));
    came_of("sendmsg", sendmsg(udp, &message, 0));
    came_of("sendmmsg", syscall(SYS_sendmmsg, udp, &messages, 1, 0));
    came_of("question", sendto(udp, question, sizeof question - 1, 0, (void *)&name, sizeof name));
    came_of("connect", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&tcp, sizeof tcp));
    came_of("connect-6", connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&six, sizeof six));
}

static void *threads(void *unused) {
    struct sockaddr_in to = nowhere(1006);
    came_of("thread", open(at("thread"), O_WRONLY | O_CREAT, 0600));
    came_of("thread-connect", connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&to, sizeof to));
    return unused;
}

static void ended(const char *what, pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    printf("%s %d\n", what, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void starts(void) {
    char forked[512], borrowed[512], spawned[512];
    snprintf(forked, sizeof forked, "%s", at("fork"));
    snprintf(borrowed, sizeof borrowed, "%s", at("vfork"));
    snprintf(spawned, sizeof spawned, "%s", at("spawn"));
    pid_t child = fork();
    if (child == 0)
        _exit(open(forked, O_WRONLY | O_CREAT, 0600) < 0 ? 6 : 0);
    ended("fork", child);
    char *by_vfork[] = {own, "child", borrowed, NULL}, *by_spawn[] = {own, "child", spawned, NULL};
    child = vfork();
    if (child == 0) {
        execve(own, by_vfork, environ);
        _exit(127);
    }
    ended("vfork", child);
    if (posix_spawn(&child, own, NULL, NULL, by_spawn, environ) == 0)
        ended("spawn", child);
    char *nothing[] = {"none", NULL};
    came_of("exec", execve(at("none"), nothing, environ));
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    own = argv[0];
    base = argv[2];
    if (strcmp(argv[1], "child") == 0)
        return open(base, O_WRONLY | O_CREAT, 0600) < 0 ? 7 : 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    pthread_t thread;
    makes();
    maps();
    sends();
    came_of("io_uring_setup", syscall(SYS_io_uring_setup, 8, calloc(1, 256)));
    pthread_create(&thread, NULL, threads, NULL);
    pthread_join(thread, NULL);
    starts();
    return 0;
}
