/* Sends one frame over and over as the raw workloads do: flood DEVICE FRAME, the frame in hexadecimal */
#define _GNU_SOURCE
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define BURST 64

int main(int argc, char **argv) {
  static unsigned char frame[1514];
  size_t size = argc == 3 ? strlen(argv[2]) / 2 : 0;
  if (size == 0 || size > sizeof frame) return 2;
  for (size_t i = 0; i < size; i++)
    if (sscanf(argv[2] + 2 * i, "%2hhx", frame + i) != 1) return 2;

  int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1, bytes = 8 << 20;
  struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1])};
  if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) ||
      setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) ||
      setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes)) {
    perror("flood");
    return 1;
  }

  struct iovec part = {frame, size};
  struct mmsghdr burst[BURST];
  memset(burst, 0, sizeof burst);
  for (int i = 0; i < BURST; i++) burst[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
  for (;;) sendmmsg(fd, burst, BURST, 0);
}
