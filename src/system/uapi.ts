/** Numbers of the kernel's interface to programs that several files need, by the names of its headers. */

export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SOL_PACKET = 263;
export const SO_RCVBUF = 8;
export const SO_RCVBUFFORCE = 33;
export const RTM_NEWLINK = 16;
export const RTM_GETLINK = 18;
export const NLMSG_ERROR = 2;
export const IFLA_INFO_DATA = 2;
export const IFLA_MASTER = 10;
export const IFLA_LINKINFO = 18;
export const IFLA_IFALIAS = 20;
export const IFA_ADDRESS = 1;
export const IFA_LOCAL = 2;
/** Bytes of struct ifinfomsg. */
export const LINK_HEADER = 16;
