export interface SettingDescription {
  /** The environment variable. */
  readonly name: string;
  readonly description: string;
  /** Shown in the reference; the value itself comes from the class. */
  readonly default?: string;
  /** May also come from a file that `NAME_FILE` names. */
  readonly secret?: boolean;
  readonly required?: 'always' | 'in production';
}

const described = new Map<string, SettingDescription>();

/** Names the environment variable of a configuration property and describes it for the reference. */
export function Setting(name: string, about: Omit<SettingDescription, 'name'>): PropertyDecorator {
  return (_target, property) => {
    described.set(String(property), { name, ...about });
  };
}

/** Every setting of the server by configuration property, in the order of declaration. */
export function describedSettings(): ReadonlyMap<string, SettingDescription> {
  return described;
}
