import { ValidationPipe, type ArgumentMetadata, type Type } from '@nestjs/common';
import { TransformationType } from 'class-transformer';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage, ValidationTypes } from 'class-validator';

type Instance = Record<string, unknown>;
type Check = (value: string, of: Instance) => boolean;

/** What decides a form of one class when every parameter came once, as a text. */
interface Plan {
  /** Parameters that must be there. */
  readonly required: readonly string[];
  /** By parameter; undefined where the pipe has to look. */
  readonly checks: ReadonlyMap<string, readonly Check[] | undefined>;
}

/**
 * The validation pipe, with a short way for forms that are good: class-validator collects the rules of a class anew for
 * every object, which costs more than the rest of a token request. Whatever the short way cannot decide, or does not
 * like, the pipe decides: so the two never differ in what they refuse, nor in what they say.
 */
export class FormValidation extends ValidationPipe {
  private readonly plans = new Map<Type, Plan | undefined>();

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    if (type === 'body' && metatype && typeof value === 'object' && value !== null) {
      const plan = this.planOf(metatype);
      const accepted = plan && accept(plan, metatype, value as Instance);
      if (accepted) return accepted;
    }
    return super.transform(value, metadata);
  }

  private planOf(metatype: Type): Plan | undefined {
    if (!this.plans.has(metatype)) this.plans.set(metatype, planOf(metatype));
    return this.plans.get(metatype);
  }
}

/** @returns the instance, or undefined when the pipe has to decide */
function accept({ required, checks }: Plan, metatype: Type, form: Instance): Instance | undefined {
  for (const property of required) if (form[property] === undefined) return undefined;
  const instance = new metatype() as Instance;
  const present: string[] = [];
  for (const property of Object.keys(form)) {
    // RFC 6749 §3.2: unknown parameters are ignored
    if (!checks.has(property)) continue;
    const value = form[property];
    if (typeof value !== 'string' || checks.get(property) === undefined) return undefined;
    instance[property] = value;
    present.push(property);
  }
  for (const property of present) {
    for (const check of checks.get(property) ?? []) {
      if (!check(instance[property] as string, instance)) return undefined;
    }
  }
  return instance;
}

/** @returns undefined for a class that has no rules, or some of another kind than those of a form */
function planOf(metatype: Type): Plan | undefined {
  const storage = getMetadataStorage();
  const rules = storage.getTargetValidationMetadatas(metatype, '', false, false);
  if (rules.length === 0 || defaultMetadataStorage.getStrategy(metatype) !== 'none') return undefined;
  const optional = new Set<string>();
  const checks = new Map<string, Check[] | undefined>();
  for (const rule of rules) {
    const { propertyName: property } = rule;
    if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION && rule.name === 'isOptional') {
      optional.add(property);
      if (!checks.has(property)) checks.set(property, []);
      continue;
    }
    if (rule.type !== ValidationTypes.CUSTOM_VALIDATION || rule.validateIf) return undefined;
    if (rule.each) {
      checks.set(property, undefined);
      continue;
    }
    const known = checks.has(property) ? checks.get(property) : [];
    for (const { instance, async } of storage.getTargetValidatorConstraints(rule.constraintCls)) {
      if (async) return undefined;
      known?.push((value, object) => {
        const { constraints } = rule;
        const context = { targetName: metatype.name, property, object, value, constraints };
        return instance.validate(value, context) === true;
      });
    }
    checks.set(property, known);
  }
  for (const property of checks.keys())
    if (isTransformed(metatype, property)) checks.set(property, undefined);
  const required = [...checks.keys()].filter((property) => !optional.has(property));
  return { required, checks };
}

function isTransformed(metatype: Type, property: string): boolean {
  return (
    defaultMetadataStorage.findTransformMetadatas(metatype, property, TransformationType.PLAIN_TO_CLASS)
      .length > 0 ||
    defaultMetadataStorage.findTypeMetadata(metatype, property) !== undefined ||
    defaultMetadataStorage.findExcludeMetadata(metatype, property) !== undefined ||
    defaultMetadataStorage.findExposeMetadata(metatype, property) !== undefined
  );
}
