/* The subject of `odd.rs`: static, without a runtime of its own, and with calls that no ordinary program makes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const unsigned char QUERY[] =
    "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08registry\x07" "example\0\0\x01\0\x01";
#define QUERY_BYTES (sizeof QUERY - 1)

static struct sockaddr_in at(const char *ip, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &to.sin_addr);
    return to;
}

static void writes(void) {
    /* Opened for reading alone, and opened again for writing by its number. */
    int fd = open("plain", O_RDONLY);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    close(open(path, O_WRONLY));
    snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%d", getpid(), getpid(), fd);
    close(open(path, O_WRONLY | O_APPEND));
    int flags = 0;
    ioctl(fd, FS_IOC_GETFLAGS, &flags);
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
    fchmod(fd, 0600);
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
    syscall(SYS_utimensat, fd, NULL, now, 0);
    struct file_handle *handle = malloc(sizeof *handle + MAX_HANDLE_SZ);
    handle->handle_bytes = MAX_HANDLE_SZ;
    int mount;
    if (name_to_handle_at(AT_FDCWD, "plain", handle, &mount, 0) == 0)
        close(open_by_handle_at(AT_FDCWD, handle, O_WRONLY));
    else
        puts("no handles here");
    int both = open("shared", O_RDWR | O_CREAT, 0600);
    ftruncate(both, 4096);
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, both, 0);
    shared[0] = 'x';
    sendfile(both, fd, NULL, 1);
    truncate("shared", 1);
    syscall(SYS_renameat2, AT_FDCWD, "plain", AT_FDCWD, "shared", RENAME_EXCHANGE);
    snprintf(path, sizeof path, "/proc/self/fd/%d", both);
    linkat(AT_FDCWD, path, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW);
    mkfifo("fifo", 0600);
    close(open(".", O_TMPFILE | O_RDWR, 0600));
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
    bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&name, sizeof name);
    struct sockaddr_un hidden = {.sun_family = AF_UNIX, .sun_path = "\0hidden"};
    bind(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&hidden, sizeof hidden);
    connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&hidden, sizeof hidden);
    if (syscall(SYS_io_uring_setup, 8, calloc(1, 256)) >= 0 || errno != ENOSYS)
        puts("a ring");
}

static void sends(void) {
    struct sockaddr_in to = at("127.0.0.1", 7001), other = at("127.0.0.1", 7002);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(udp, "x", 1, 0, (void *)&to, sizeof to);
    struct sockaddr_in none = at("127.0.0.1", 7003);
    none.sin_family = AF_UNSPEC;
    sendto(udp, "x", 1, 0, (void *)&none, sizeof none);
    struct iovec piece = {"x", 1};
    struct mmsghdr two[2] = {
        {.msg_hdr = {&to, sizeof to, &piece, 1}}, {.msg_hdr = {&other, sizeof other, &piece, 1}}};
    sendmmsg(udp, two, 2, 0);
    struct sockaddr_in fast = at("127.0.0.1", 7004);
    sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (void *)&fast, sizeof fast);
    struct sockaddr_in raw = at("127.0.0.9", 0);
    sendto(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "\x08\0\xf7\xff\0\0\0\0", 8, 0, (void *)&raw, sizeof raw);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(7005), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    sendto(socket(AF_INET6, SOCK_DGRAM, 0), "x", 1, 0, (void *)&six, sizeof six);
    close(socket(AF_PACKET, SOCK_RAW, 0));
    struct sockaddr_vm host = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST, .svm_port = 7006};
    int guest = socket(AF_UNIX, SOCK_STREAM, 0);
    /* The wrong family for this socket: what is asked for is told before the kernel refuses it. */
    connect(guest, (void *)&host, sizeof host);
    struct sockaddr_in server = at("127.0.0.1", 53);
    connect(socket(AF_INET, SOCK_DGRAM, 0), (void *)&server, sizeof server);
}

static int as_a_thread(void *fd) {
    syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, "by-a-thread", O_WRONLY | O_CREAT, 0600));
    syscall(SYS_write, *(int *)fd, "x", 1);
    syscall(SYS_exit, 0);
    return 0;
}

static int as_a_borrower(void *unused) {
    (void)unused;
    char *argv[] = {"sh", "-c", "echo > by-a-borrower", NULL};
    execv("/bin/sh", argv);
    _exit(127);
}

static void starts(char *own) {
    /* A thread as Go's runtime makes one, without the C library. */
    static char stacks[2][65536] __attribute__((aligned(16)));
    int ends[2];
    char byte;
    pipe(ends);
    int shares = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
    clone(as_a_thread, stacks[0] + sizeof stacks[0], shares, &ends[1]);
    read(ends[0], &byte, 1);
    waitpid(clone(as_a_borrower, stacks[1] + sizeof stacks[1], CLONE_VM | CLONE_VFORK | SIGCHLD, NULL), NULL, 0);
    /* A daemon: its parent is gone before it writes. */
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            close(ends[0]);
            prctl(PR_SET_NAME, "kworker/0:1");
            while (getppid() != 1 && access("reaped", F_OK) != 0)
                usleep(1000);
            close(open("by-a-daemon", O_WRONLY | O_CREAT, 0600));
            _exit(0);
        }
        _exit(0);
    }
    wait(NULL);
    close(open("reaped", O_WRONLY | O_CREAT, 0600));
    close(ends[1]);
    while (read(ends[0], &byte, 1) > 0) {}
    /* A program that is nowhere in the file system, under a name that is not its own. */
    int memory = memfd_create("tool", 0), file = open(own, O_RDONLY);
    struct stat size;
    fstat(file, &size);
    sendfile(memory, file, NULL, size.st_size);
    if (fork() == 0) {
        char *argv[] = {"harmless", "nothing", NULL};
        fexecve(memory, argv, environ);
        _exit(127);
    }
    wait(NULL);
    /* Its words are its own to change. */
    memset(own, 'z', strlen(own));
    close(open("under-another-name", O_WRONLY | O_CREAT, 0600));
}

static int as_another(void *unused) {
    (void)unused;
    syscall(SYS_exit, 5);
    return 0;
}

/* Ends as a program without a C library does, when its thread has ended. */
static void leaves(void) {
    static char stack[65536] __attribute__((aligned(16)));
    int shares = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD;
    clone(as_another, stack + sizeof stack, shares, NULL);
    char task[64];
    int threads = 2;
    snprintf(task, sizeof task, "/proc/%d/task", getpid());
    while (threads > 1) {
        struct stat found;
        usleep(1000);
        threads = stat(task, &found) == 0 ? (int)found.st_nlink - 2 : 1;
    }
    syscall(SYS_exit, 9);
}

/* Questions that no filter sees: written as to a file. */
static void asks(int argc, char **argv) {
    int family = strchr(argv[2], ':') ? AF_INET6 : AF_INET;
    char name[128];
    struct sockaddr_in to = at(argv[2], 53);
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    inet_pton(AF_INET6, argv[2], &to6.sin6_addr);
    void *address = family == AF_INET ? (void *)&to : (void *)&to6;
    socklen_t length = family == AF_INET ? sizeof to : sizeof to6;
    unsigned char reply[512], query[QUERY_BYTES];
    struct timeval patience = {3, 0};
    memcpy(query, QUERY, sizeof query);
    for (int tcp = 0; tcp < 2; tcp++) {
        int fd = socket(family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (connect(fd, address, length) != 0) {
            perror("connect");
            continue;
        }
        query[13] = tcp ? 't' : 'u';
        /* The address of the newer family over TCP. */
        query[QUERY_BYTES - 3] = tcp ? 28 : 1;
        unsigned char head[2] = {0, sizeof query};
        struct iovec pieces[2] = {{head, 2}, {query, sizeof query}};
        writev(fd, pieces + !tcp, 1 + tcp);
        ssize_t got = read(fd, reply, sizeof reply);
        if (tcp && got == 2)
            got += read(fd, reply + 2, sizeof reply - 2);
        if (got < 0)
            puts("no answer");
        else
            printf("%s\n", inet_ntop(tcp ? AF_INET6 : AF_INET, reply + got - (tcp ? 16 : 4), name, sizeof name));
        close(fd);
    }
    (void)argc;
}

/* The year by each way to the time of day. */
static void years(const char *who) {
    struct timespec by_library, by_call, coarse;
    struct timeval of_day, of_day_by_call;
    struct timezone zone;
    clock_gettime(CLOCK_REALTIME, &by_library);
    clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &by_call);
    gettimeofday(&of_day, NULL);
    syscall(SYS_gettimeofday, &of_day_by_call, &zone);
    time_t told[] = {by_library.tv_sec, coarse.tv_sec, by_call.tv_sec, of_day.tv_sec, of_day_by_call.tv_sec, time(NULL)};
    printf("%s", who);
    for (size_t n = 0; n < sizeof told / sizeof *told; n++) printf(" %d", gmtime(&told[n])->tm_year + 1900);
    printf(" %d\n", by_call.tv_nsec < 1000000000 && by_library.tv_sec <= by_call.tv_sec);
    fflush(stdout);
}

/* What a process, its child, and a program that it starts are told. */
static void tells(int argc, char **argv) {
    years(argc > 2 ? "program" : "process");
    if (argc > 2) return;
    if (fork() == 0) {
        years("child");
        execl(argv[0], argv[0], "tells", "again", NULL);
        _exit(9);
    }
    wait(NULL);
    if (syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8) == -1) puts(strerror(errno));
}

/* A fifth of a second from now, by the clock that is told. */
static struct timespec soon(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 200000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    return until;
}

static void took(const char *what, struct timespec began, int code) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ms = (now.tv_sec - began.tv_sec) * 1000 + (now.tv_nsec - began.tv_nsec) / 1000000;
    printf("%s %s %s\n", what, ms >= 190 && ms < 20000 ? "waits" : "does not wait", code ? strerror(code) : "well");
}

/* Each way to wait for a moment by the time of day. */
static void rests(void) {
    struct timespec began, until;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    clock_gettime(CLOCK_MONOTONIC, &began), until = soon();
    took("condition", began, pthread_cond_timedwait(&cond, &mutex, &until));
    /* The same moment again: it has passed. */
    clock_gettime(CLOCK_MONOTONIC, &began);
    took("again", began, pthread_cond_timedwait(&cond, &mutex, &until));
    clock_gettime(CLOCK_MONOTONIC, &began), until = soon();
    took("mutex", began, pthread_mutex_timedlock(&mutex, &until));
    sem_t sem;
    sem_init(&sem, 0, 0);
    clock_gettime(CLOCK_MONOTONIC, &began), until = soon();
    took("semaphore", began, sem_timedwait(&sem, &until) ? errno : 0);
    clock_gettime(CLOCK_MONOTONIC, &began), until = soon();
    took("sleep", began, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
    struct itimerspec alarm = {{0, 0}, soon()};
    unsigned long count;
    int fd = timerfd_create(CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_MONOTONIC, &began);
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &alarm, NULL);
    took("descriptor", began, read(fd, &count, sizeof count) == sizeof count ? 0 : errno);
    timer_t timer;
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGALRM), sigprocmask(SIG_BLOCK, &set, NULL);
    timer_create(CLOCK_REALTIME, NULL, &timer);
    alarm.it_value = soon();
    clock_gettime(CLOCK_MONOTONIC, &began);
    timer_settime(timer, TIMER_ABSTIME, &alarm, NULL);
    took("timer", began, sigwaitinfo(&set, NULL) == SIGALRM ? 0 : errno);
    /* A moment by the other clock is left alone. */
    clock_gettime(CLOCK_MONOTONIC, &began), until = began;
    until.tv_sec += 1;
    took("monotonic", began, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
}

/* Whether somebody accepts at an address of the newer family. */
static void reaches(char **argv) {
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(argv[3]))};
    inet_pton(AF_INET6, argv[2], &to.sin6_addr);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    puts(connect(fd, (void *)&to, sizeof to) == 0 ? "accepted" : strerror(errno));
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "writes") == 0) writes();
    else if (strcmp(argv[1], "sends") == 0) sends();
    else if (strcmp(argv[1], "starts") == 0) starts(argv[0]);
    else if (strcmp(argv[1], "leaves") == 0) leaves();
    else if (strcmp(argv[1], "tells") == 0) tells(argc, argv);
    else if (strcmp(argv[1], "rests") == 0) rests();
    else if (strcmp(argv[1], "asks") == 0) asks(argc, argv);
    else if (strcmp(argv[1], "reaches") == 0) reaches(argv);
    else return 3;
    return 0;
}
