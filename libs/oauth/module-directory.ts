import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventStream } from '#events';
import { CatalogRepository, type ModuleAccess } from '#licensing';
import { moduleOfScope } from './scope.js';

export type Module = ModuleAccess;

/** Modules by key. */
export type Modules = ReadonlyMap<string, Module>;

/** Those that a token of these scopes concerns: the client's own module, and the modules that the scopes name. */
export function concernedModules(
  all: Modules,
  ownModule: string | null,
  scopes: readonly string[],
): Module[] {
  const keys = new Set([ownModule, ...scopes.map(moduleOfScope)]);
  return [...keys].flatMap((key) => (key ? (all.get(key) ?? []) : []));
}

/** The suite's modules, remembered by this node; a module's base URL is the audience of its tokens. */
@Injectable()
export class ModuleDirectory implements OnModuleInit {
  private modules: Promise<Modules> | undefined;

  constructor(
    private readonly catalog: CatalogRepository,
    private readonly events: EventStream,
  ) {}

  onModuleInit(): void {
    this.events.subscribe(({ kind }) => {
      if (kind === 'catalog-changed') this.modules = undefined;
    });
    this.events.whenHistoryEnds(() => (this.modules = undefined));
  }

  async all(): Promise<Modules> {
    if (!this.events.isCurrent()) this.modules = undefined;
    this.modules ??= this.load();
    return this.modules;
  }

  private load(): Promise<Modules> {
    const load: Promise<Modules> = this.catalog
      .modulesWithAccess()
      .then((modules) => new Map(modules.map((module) => [module.key, module])));
    load.catch(() => {
      if (this.modules === load) this.modules = undefined;
    });
    return load;
  }
}
