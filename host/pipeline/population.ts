/**
 * Whether what is known of an image lies within the population that a model is for. Pure.
 *
 * Only what was said is judged: an image that came with nothing is judged by its picture alone.
 */
import type { Stated } from "./request.ts";

/** What a model's manifest, or the site, admits; what is left out admits everything. */
export interface PopulationLimits {
  /** In completed years, as ages are told: a child of five years and eleven months is 5. Both ends belong to it. */
  readonly ageYears?: { readonly min: number; readonly max: number } | undefined;
  readonly view?: readonly string[] | undefined;
  readonly modality?: readonly string[] | undefined;
  readonly bodyPart?: readonly string[] | undefined;
}

export type PopulationReason = "POPULATION_AGE" | "POPULATION_BODY_PART" | "POPULATION_MODALITY" | "POPULATION_VIEW";

/** @returns the reasons not to assess, sorted; none where nothing that was said is outside */
export function reasonsOutsidePopulation(stated: Stated, limits: PopulationLimits | null): readonly PopulationReason[] {
  if (limits === null) return [];
  const { ageYears, bodyPart, modality, view } = limits;
  const outside: readonly (readonly [PopulationReason, boolean])[] = [
    ["POPULATION_AGE", isOutsideRange(stated.ageYears, ageYears)],
    ["POPULATION_BODY_PART", isNoneOf(stated.bodyPart, bodyPart)],
    ["POPULATION_MODALITY", isNoneOf(stated.modality, modality)],
    ["POPULATION_VIEW", isNoneOf(stated.view, view)],
  ];
  return outside.filter(([, isOutside]) => isOutside).map(([reason]) => reason);
}

function isOutsideRange(years: number | undefined, range: PopulationLimits["ageYears"]): boolean {
  if (years === undefined || range === undefined) return false;
  const completed = Math.floor(years);
  return completed < range.min || completed > range.max;
}

function isNoneOf(word: string | undefined, words: readonly string[] | undefined): boolean {
  return word !== undefined && words !== undefined && !words.includes(word);
}
