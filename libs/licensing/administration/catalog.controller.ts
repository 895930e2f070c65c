import { Controller, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsOptional, Matches } from 'class-validator';
import { idOf, JsonBody, QueryOf, toWire } from '#platform';
import type { NewFeature, PlanFeatures } from '../catalog.js';
import { CatalogRepository } from '../catalog.repository.js';
import { FEATURE, FEATURE_LIST, PLAN_LIST, PLAN_VERSION } from './answers.js';
import type { Reach } from './authority.guard.js';
import { CatalogListRepository } from './catalog-list.repository.js';
import { CursorQuery } from './license-requests.js';
import { IsCatalogKey, IsPlanFeatures, PAGE } from './request.js';
import { Administers, CurrentReach } from './route.js';

export class PlanListQuery extends CursorQuery {
  @IsOptional()
  @IsCatalogKey()
  module?: string;
}

export class FeatureListQuery {
  @IsCatalogKey()
  module!: string;
}

export class PlanVersionBody {
  @IsCatalogKey()
  plan!: string;

  @Matches(/^[^\p{Cc}]{1,100}$/u, { message: 'name must be 1 to 100 characters without control characters' })
  name!: string;

  @IsCatalogKey()
  module!: string;

  @IsPlanFeatures()
  features!: PlanFeatures;
}

export class PlanFeaturesBody {
  @IsPlanFeatures()
  features!: PlanFeatures;
}

export class FeatureBody {
  @IsCatalogKey()
  module!: string;

  @IsCatalogKey()
  key!: string;

  @IsIn(['boolean', 'limit', 'metered'])
  type!: NewFeature['type'];

  @IsIn(['max', 'sum'])
  combine!: NewFeature['combine'];

  @IsOptional()
  @IsIn(['day', 'month', 'year'])
  period?: 'day' | 'month' | 'year' | null;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10)
  @IsInt({ each: true })
  thresholds?: number[] | null;
}

/** What is sold: features of modules, and versions of plans. */
@Controller('v1')
export class CatalogController {
  constructor(
    private readonly catalog: CatalogRepository,
    private readonly lists: CatalogListRepository,
  ) {}

  @Get('plans')
  @Administers('plans:read', 'List plan versions by id', { query: PlanListQuery, answer: PLAN_LIST })
  async plans(@QueryOf() { module, cursor, limit }: PlanListQuery) {
    const { items, next } = await this.lists.plans(module ?? null, cursor ?? null, Number(limit ?? PAGE));
    return { plans: toWire(items), next_cursor: next };
  }

  @Post('plans')
  @HttpCode(201)
  @Administers('plans:write', 'Make the next version of a plan', {
    body: PlanVersionBody,
    answer: PLAN_VERSION,
  })
  async createPlan(@JsonBody() body: PlanVersionBody, @CurrentReach() { actor }: Reach) {
    const { plan: planKey, name, module: moduleKey, features } = body;
    const { id, version } = await this.catalog.createPlanVersion(
      { planKey, name, moduleKey, features },
      actor,
    );
    return { id, plan: planKey, version, name, module: moduleKey, features, in_use: false };
  }

  @Put('plans/:id/features')
  @HttpCode(204)
  @Administers('plans:write', 'Correct a plan version that no license refers to yet', {
    body: PlanFeaturesBody,
  })
  async amendPlan(
    @Param('id') id: string,
    @JsonBody() { features }: PlanFeaturesBody,
    @CurrentReach() { actor }: Reach,
  ): Promise<void> {
    await this.catalog.amendPlanVersion(idOf(id, 'plan_version'), features, actor);
  }

  @Get('features')
  @Administers('plans:read', 'List the features of a module', {
    query: FeatureListQuery,
    answer: FEATURE_LIST,
  })
  async features(@QueryOf() { module }: FeatureListQuery) {
    return { features: toWire(await this.lists.features(module)) };
  }

  @Post('features')
  @HttpCode(201)
  @Administers('plans:write', 'Give a module a feature', { body: FeatureBody, answer: FEATURE })
  async createFeature(@JsonBody() body: FeatureBody, @CurrentReach() { actor }: Reach) {
    const { module: moduleKey, key, type, combine, period, thresholds } = body;
    const feature: NewFeature = {
      ...{ moduleKey, key, type, combine },
      ...(period ? { period } : {}),
      ...(thresholds ? { thresholds } : {}),
    };
    await this.catalog.createFeature(feature, actor);
    return { module: moduleKey, key, type, combine };
  }
}
