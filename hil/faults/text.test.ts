import { describe, expect, it } from "vitest";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { drawScenario } from "../virtual/steps.ts";
import { checkPlan } from "./plan.ts";
import { parseFaults, printFaults } from "./text.ts";

describe("a fault plan in one line", () => {
  it("is read back as it was printed", () => {
    for (let seed = 0; seed < 500; seed++) {
      const { plan } = drawScenario(seed);
      expect(parseFaults(printFaults(plan))).toEqual(plan);
    }
  });

  it("names direction, trigger and options as a person types them", () => {
    expect(parseFaults("stall@read verb=BATCH once ms=700; seed=9; flip@both p=0.25 from=a to=b")).toEqual({
      seed: 9,
      faults: [
        { kind: "stall", direction: "read", verb: "BATCH", times: 1, ms: 700 },
        { kind: "flip", direction: "write", p: 0.25, from: "a", to: "b" },
        { kind: "flip", direction: "read", p: 0.25, from: "a", to: "b" },
      ],
    });
  });

  it.each([
    ["melt@read", "no fault is called melt"],
    ["flip@up", "direction"],
    ["flip@read p=2", "p"],
    ["flip@read p=x", "p=x"],
    ["flip@read ms=5", "flip: takes no ms"],
    ["stall@read", "stall: needs ms"],
    ["half-open@write", "half-open: only on read"],
    ["flip@read line=0", "line"],
    ["flip@read colour=3", "colour"],
    ["seed=1; seed=2", "more than one seed"],
    ["seed=-1", "seed"],
    [`seed=1${"; flip@read".repeat(65)}`, "faults"],
  ])("that makes no sense is refused by name: %s", (text, why) => {
    expect(() => parseFaults(text)).toThrow(expect.objectContaining({ code: "FAULT_PLAN" }));
    expect(() => parseFaults(text)).toThrow(why);
  });

  it("never ends in anything but a plan or FAULT_PLAN, whatever is typed", () => {
    const random = new Seeded(5);
    const words = ["flip", "@", "both", " p=", "0.5", ";", "seed=", "1", "ms=", "=", "\u0000", "stall@read", "once"];
    for (let i = 0; i < 2000; i++) {
      const text = Array.from({ length: random.below(8) }, () => random.pick(words)).join("");
      try {
        checkPlan(parseFaults(text));
      } catch (error) {
        expect(error).toMatchObject({ code: "FAULT_PLAN" });
      }
    }
  });
});
