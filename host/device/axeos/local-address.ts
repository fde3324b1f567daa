/** Which addresses a miner may have: those that are not routed on the internet. */
import { BlockList, isIP, isIPv6 } from "node:net";

const LOCAL = new BlockList();
LOCAL.addSubnet("10.0.0.0", 8);
LOCAL.addSubnet("172.16.0.0", 12);
LOCAL.addSubnet("192.168.0.0", 16);
LOCAL.addSubnet("169.254.0.0", 16);
LOCAL.addSubnet("127.0.0.0", 8);
LOCAL.addAddress("::1", "ipv6");
LOCAL.addSubnet("fe80::", 10, "ipv6");
LOCAL.addSubnet("fc00::", 7, "ipv6");

/** Whether this is an address of a private network, of this link or of this computer (RFC 1918, 3927, 4193, 4291). */
export function isLocalAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  return LOCAL.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
