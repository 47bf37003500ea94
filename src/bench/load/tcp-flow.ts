import { EPOLLIN, EPOLLOUT, type Epoll } from "../../system/epoll.ts";
import { sendBytes } from "../../system/inet-socket.ts";

/** What is sent never matters, so all flows send out of one buffer. */
const PAYLOAD = Buffer.alloc(256 * 1024);

/** The sending half of a TCP connection in an epoll loop: what the kernel does not take now goes later. */
export class TcpFlow {
  readonly fd: number;
  readonly #epoll: Epoll;
  readonly #key: number;
  #owed = 0;
  #waits = false;

  constructor(fd: number, epoll: Epoll, key: number) {
    this.fd = fd;
    this.#epoll = epoll;
    this.#key = key;
  }

  /** Sends so many bytes, after those that still wait. */
  write(bytes: number): void {
    this.#owed += bytes;
    if (!this.#waits) this.flush();
  }

  /** To be called when the socket can be written. */
  flush(): void {
    while (this.#owed > 0) {
      const sent = sendBytes(this.fd, PAYLOAD, Math.min(this.#owed, PAYLOAD.length));
      if (sent < 0) break;
      this.#owed -= sent;
    }
    const waits = this.#owed > 0;
    if (waits === this.#waits) return;
    this.#waits = waits;
    this.#epoll.modify(this.fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, this.#key);
  }
}
