import type { Rule } from "./rule.ts";

/** BR_MAX_PORTS of br_private.h is 1024, and port number 0 is never given out (find_portno()). */
const MOST_PORTS = 1023;
/** Nine tenths of it: there is time to plan a second bridge. */
const EARLY = 921;

/** The next port is refused (EXFULL), and what should be plugged in there does not start. */
export const portLimit: Rule = {
  name: "port-limit",
  judge: ({ name, ports: { length } }) =>
    length < EARLY
      ? []
      : [
          {
            severity: length >= MOST_PORTS ? "high" : "medium",
            text:
              length >= MOST_PORTS
                ? `${name} has all the ${MOST_PORTS} ports that a bridge can have: the next one is refused ("Exchange full"), and what should be plugged in there stays without a network`
                : `${name} has ${length} ports, and a bridge can have ${MOST_PORTS}: there is room for ${MOST_PORTS - length} more`,
            evidence: [`${length} ports`, `a bridge has at most ${MOST_PORTS} (BR_MAX_PORTS)`],
            remedy: {
              none: "the kernel has no setting for it: what comes next needs a bridge of its own",
            },
          },
        ],
};
