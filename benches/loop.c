/* The machine's limit: echo requests by sendmmsg, replies by recvmmsg, and nothing else.
 *
 *     cc -O2 -o loop benches/loop.c
 *     ./loop flood 200000 127.0.0.1     so many requests to one host, 64 at a time
 *     ./loop sweep 16 10.0.0.0          one request to each address of a prefix
 *
 * Prints the seconds that it took. No request is accounted for by more than a count. Needs a group that may open
 * datagram ICMP sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, LEN = 64 };

static unsigned char out[BATCH][LEN], in[BATCH][256], control[BATCH][128];
static struct sockaddr_in to[BATCH], from[BATCH];
static struct iovec outv[BATCH], inv[BATCH];
static struct mmsghdr outm[BATCH], inm[BATCH];

static void die(const char *what) { perror(what); exit(2); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    if (argc != 4) { fprintf(stderr, "usage: loop flood COUNT ADDR | loop sweep BITS ADDR\n"); return 2; }
    int sweep = !strcmp(argv[1], "sweep");
    long count = sweep ? 1L << (32 - atoi(argv[2])) : atol(argv[2]);
    uint32_t base = ntohl(inet_addr(argv[3]));

    int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    if (fd < 0) die("socket");
    int room = 1 << 22, one = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    /* What any ping needs of a reply: its time and its TTL. */
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
    struct timeval second = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);

    for (int i = 0; i < BATCH; i++) {
        out[i][0] = 8;
        to[i].sin_family = AF_INET;
        outv[i] = (struct iovec){ out[i], LEN };
        inv[i] = (struct iovec){ in[i], sizeof in[i] };
        outm[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof to[i],
                                           .msg_iov = &outv[i], .msg_iovlen = 1 };
    }
    double start = now();
    long sent = 0, received = 0;
    while (sent < count || received < count) {
        int batch = count - sent < BATCH ? count - sent : BATCH;
        for (int i = 0; i < batch; i++) {
            out[i][6] = (sent + i) >> 8;
            out[i][7] = sent + i;
            to[i].sin_addr.s_addr = htonl(sweep ? base + sent + i : base);
        }
        if (batch) {
            int n = sendmmsg(fd, outm, batch, 0);
            if (n < 0) die("sendmmsg");
            sent += n;
        }
        for (int i = 0; i < BATCH; i++)
            inm[i].msg_hdr = (struct msghdr){ .msg_name = &from[i], .msg_namelen = sizeof from[i],
                                              .msg_iov = &inv[i], .msg_iovlen = 1,
                                              .msg_control = control[i], .msg_controllen = sizeof control[i] };
        int n = recvmmsg(fd, inm, BATCH, sent < count ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        if (n < 0 && sent == count) { fprintf(stderr, "%ld of %ld came back\n", received, count); return 1; }
        if (n > 0) received += n;
    }
    printf("%.6f\n", now() - start);
    return 0;
}
