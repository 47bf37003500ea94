import { ipCommand } from "../../causes/setting.ts";
import type { Rule } from "./rule.ts";

/** br_pass_frame_up() of every frame: unicast between two ports is for the host as well. */
export const promiscuous: Rule = {
  name: "promiscuous",
  judge: ({ name, place, promiscuity }) =>
    promiscuity === 0
      ? []
      : [
          {
            severity: "low",
            text: `${name} itself is promiscuous: the host gets a copy of every frame that crosses it, and where it forwards IP it may send it a second time; a capture does that while it runs`,
            evidence: [`promiscuity ${promiscuity} of ${name}`],
            remedy: {
              none: `what made it so has to undo it: a capture when it ends, and \`${ipCommand(place, "link", "set", "dev", name, "promisc", "off")}\` what was set by hand`,
            },
          },
        ],
};
