/* Sends one frame over and over as the raw workloads do: flood DEVICE DESTINATION SOURCE */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BURST 64
#define ETHERTYPE_LOCAL 0x88b5

static int parse(const char *text, unsigned char *to) {
  return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5);
}

int main(int argc, char **argv) {
  static unsigned char frame[60];
  if (argc != 4 || parse(argv[2], frame) != 6 || parse(argv[3], frame + 6) != 6) return 2;
  frame[12] = ETHERTYPE_LOCAL >> 8;
  frame[13] = ETHERTYPE_LOCAL & 0xff;

  int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, bytes = 8 << 20;
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1])};
  if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) ||
      setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) ||
      setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes)) {
    perror("flood");
    return 1;
  }

  struct iovec part = {frame, sizeof frame};
  struct mmsghdr burst[BURST];
  memset(burst, 0, sizeof burst);
  for (int i = 0; i < BURST; i++) burst[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
  for (;;) sendmmsg(fd, burst, BURST, 0);
}
