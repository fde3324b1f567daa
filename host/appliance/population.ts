/** Whom the model in service is for: what its manifest states, unless the site has said otherwise. Pure. */
import type { Config } from "../config/schema.ts";
import type { PopulationLimits } from "../pipeline/population.ts";

type SiteWords = Config["quality"]["population"];

/** @returns null where nothing limits it */
export function populationOf(model: PopulationLimits | undefined, site: SiteWords): PopulationLimits | null {
  if (site.policy === "ignore") return null;
  return {
    ageYears: site.ageYears === null ? model?.ageYears : rangeOf(site.ageYears),
    view: wordsOf(site.view, model?.view),
    modality: wordsOf(site.modality, model?.modality),
    bodyPart: wordsOf(site.bodyPart, model?.bodyPart),
  };
}

function rangeOf(text: string): PopulationLimits["ageYears"] {
  const [min = 0, max = 0] = text.split("-").map(Number);
  return { min, max };
}

function wordsOf(site: readonly string[], model: readonly string[] | undefined): readonly string[] | undefined {
  if (site.length === 0) return model;
  return site.includes("any") ? undefined : site;
}
