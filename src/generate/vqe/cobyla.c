/* COBYLA without constraints: a linear model through the vertices of a simplex, and a step down it as long as the trust
 * radius allows (Powell, in: Advances in Optimization and Numerical Analysis, Kluwer 1994, 51). Radii, the choice of
 * the vertex to be replaced and the geometry steps are those of Zhang's PRIMA (Ragonneau and Zhang, arXiv:2302.13246),
 * which SciPy uses. */
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "generate/vqe/descent.h"

static const double first_radius = 1, poor = 0.1, fine = 0.7, shrink = 0.5, grow = 2, snap = 1.5;
/* Angles that do not matter leave values that differ by rounding only: no reason to move to another vertex. */
static const double rounding = 1e-12;

/* Vertex j lies at best + edges[j]; row i of duals times edge j is 1 for i = j, else 0. */
struct simplex {
	const struct tarn_descent *descent;
	size_t n;
	double *best, best_value;
	double *edges, *values; /* n rows of n; n */
	double *duals;
	double *point, *step, *slope, *along; /* room for n each */
	double last_radius;
	int evaluations;
	size_t changes; /* of the duals since they were computed anew */
};

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void add(double *to, double factor, const double *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] += factor * from[i];
}

static double *row(double *matrix, size_t i, size_t n)
{
	return matrix + i * n;
}

static bool is_over(const struct simplex *simplex)
{
	return *simplex->descent->stopped || simplex->evaluations >= simplex->descent->max_iterations;
}

static double value_at(struct simplex *simplex, const double *point)
{
	double value = simplex->descent->value(simplex->descent->context, point, NULL);
	simplex->evaluations += !*simplex->descent->stopped;
	return value;
}

/* ---- the simplex ---- */

/* The duals from the edges: the transpose of their inverse. Updates lose digits, so this is done again now and then. */
static void compute_duals(struct simplex *simplex)
{
	size_t n = simplex->n;
	lapack_int *pivots = tarn_malloc(n * sizeof(*pivots)), order = (lapack_int)n;
	double *inverse = tarn_malloc(n * n * sizeof(*inverse));
	memcpy(inverse, simplex->edges, n * n * sizeof(*inverse));
	if (!LAPACKE_dgetrf(LAPACK_ROW_MAJOR, order, order, inverse, order, pivots) &&
	    !LAPACKE_dgetri(LAPACK_ROW_MAJOR, order, inverse, order, pivots))
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n; j++)
				simplex->duals[i * n + j] = inverse[j * n + i];
	simplex->changes = 0;
	free(inverse);
	free(pivots);
}

/* The best vertex moves by `step`: every edge begins there now. */
static void move_origin(struct simplex *simplex, const double *step)
{
	size_t n = simplex->n;
	add(simplex->best, 1, step, n);
	for (size_t j = 0; j < n; j++)
		add(row(simplex->edges, j, n), -1, step, n);
}

/* Vertex j becomes the best one, and the other way round. */
static void exchange_best(struct simplex *simplex, size_t j)
{
	size_t n = simplex->n;
	double *edge = row(simplex->edges, j, n), *dual = row(simplex->duals, j, n), value = simplex->best_value;
	memcpy(simplex->along, edge, n * sizeof(*edge));
	move_origin(simplex, simplex->along);
	for (size_t i = 0; i < n; i++)
		edge[i] = -simplex->along[i];
	memset(simplex->along, 0, n * sizeof(*edge));
	for (size_t i = 0; i < n; i++)
		add(simplex->along, -1, row(simplex->duals, i, n), n);
	memcpy(dual, simplex->along, n * sizeof(*dual));
	simplex->best_value = simplex->values[j];
	simplex->values[j] = value;
}

static void keep_best_first(struct simplex *simplex)
{
	size_t lowest = 0;
	for (size_t j = 1; j < simplex->n; j++)
		if (simplex->values[j] < simplex->values[lowest])
			lowest = j;
	if (simplex->values[lowest] < simplex->best_value - rounding * fabs(simplex->best_value))
		exchange_best(simplex, lowest);
}

static void build(struct simplex *simplex)
{
	size_t n = simplex->n;
	memset(simplex->edges, 0, n * n * sizeof(*simplex->edges));
	simplex->best_value = value_at(simplex, simplex->best);
	for (size_t j = 0; j < n && !is_over(simplex); j++) {
		double *edge = row(simplex->edges, j, n);
		memcpy(simplex->point, simplex->best, n * sizeof(*edge));
		simplex->point[j] += first_radius;
		double value = value_at(simplex, simplex->point);
		if (*simplex->descent->stopped)
			return;
		edge[j] = first_radius;
		simplex->values[j] = value;
		if (value >= simplex->best_value)
			continue;
		simplex->values[j] = simplex->best_value;
		simplex->best_value = value;
		simplex->best[j] += first_radius;
		for (size_t k = 0; k <= j; k++)
			row(simplex->edges, k, n)[j] -= first_radius;
		edge[j] = -first_radius;
	}
	compute_duals(simplex);
}

/* The point at best + step takes the place of vertex j, or of the best one for j = n. */
static void replace(struct simplex *simplex, size_t j, const double *step, double value)
{
	size_t n = simplex->n;
	double *projected = simplex->along, sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += projected[i] = dot(row(simplex->duals, i, n), step, n);
	if (j < n) {
		double *dual = row(simplex->duals, j, n), length = projected[j];
		for (size_t i = 0; i < n; i++)
			dual[i] /= length;
		for (size_t i = 0; i < n; i++)
			if (i != j)
				add(row(simplex->duals, i, n), -projected[i], dual, n);
		memcpy(row(simplex->edges, j, n), step, n * sizeof(*step));
		simplex->values[j] = value;
	} else {
		double *total = simplex->slope;
		memset(total, 0, n * sizeof(*total));
		for (size_t i = 0; i < n; i++)
			add(total, 1, row(simplex->duals, i, n), n);
		for (size_t i = 0; i < n; i++)
			add(row(simplex->duals, i, n), projected[i] / (1 - sum), total, n);
		move_origin(simplex, step);
		simplex->best_value = value;
	}
	if (++simplex->changes > n)
		compute_duals(simplex);
	keep_best_first(simplex);
}

/* ---- steps ---- */

static double square(double x)
{
	return x * x;
}

static double distance_squared(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += square(a[i] - b[i]);
	return sum;
}

/* The longest edge. */
static size_t farthest(struct simplex *simplex, double *squared)
{
	size_t n = simplex->n, longest = 0;
	*squared = -1;
	for (size_t j = 0; j < n; j++) {
		const double *edge = row(simplex->edges, j, n);
		double length = dot(edge, edge, n);
		if (length > *squared) {
			*squared = length;
			longest = j;
		}
	}
	return longest;
}

/* The value at best + step; where a vertex is almost there, its own. */
static double look(struct simplex *simplex, const double *step)
{
	size_t n = simplex->n;
	for (size_t j = 0; j < n; j++)
		if (distance_squared(step, row(simplex->edges, j, n), n) <= square(1e-4 * simplex->last_radius))
			return simplex->values[j];
	for (size_t i = 0; i < n; i++)
		simplex->point[i] = simplex->best[i] + step[i];
	return value_at(simplex, simplex->point);
}

/* The model's slope, in simplex->slope. */
static double find_slope(struct simplex *simplex)
{
	size_t n = simplex->n;
	memset(simplex->slope, 0, n * sizeof(*simplex->slope));
	for (size_t j = 0; j < n; j++)
		add(simplex->slope, simplex->values[j] - simplex->best_value, row(simplex->duals, j, n), n);
	return sqrt(dot(simplex->slope, simplex->slope, n));
}

/* The vertex that a step replaces: one that is far away and whose loss keeps the simplex wide; n + 1 for none. */
static size_t to_be_replaced(struct simplex *simplex, const double *step, bool improved, double reach)
{
	size_t n = simplex->n, chosen = n + 1;
	double sum = 0, best = 0;
	for (size_t j = 0; j < n; j++) {
		const double *edge = row(simplex->edges, j, n);
		double projected = dot(row(simplex->duals, j, n), step, n);
		double away = improved ? distance_squared(edge, step, n) : dot(edge, edge, n);
		double score = fmax(1, away / square(reach)) * fabs(projected);
		sum += projected;
		if (score > best) {
			best = score;
			chosen = j;
		}
	}
	double score = fmax(1, dot(step, step, n) / square(reach)) * fabs(1 - sum);
	return improved && score > best ? n : chosen;
}

static double next_radius(double radius, double last)
{
	double ratio = radius / last;
	return ratio > 250 ? 0.1 * radius : ratio <= 16 ? last : sqrt(ratio) * last;
}

/* A step down the model; true where it was a good one. *reach is the trust radius, which stays above `radius`. */
static bool descend(struct simplex *simplex, double radius, double *reach)
{
	size_t n = simplex->n;
	double steepness = find_slope(simplex), predicted = *reach * steepness;
	if (!(predicted > 1e-22 * radius)) {
		*reach = fmax(0.1 * *reach, radius);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		simplex->step[i] = -*reach / steepness * simplex->slope[i];
	double length = *reach, value = look(simplex, simplex->step), gain = simplex->best_value - value;
	if (*simplex->descent->stopped)
		return false;
	double ratio = gain / predicted;
	*reach = ratio <= poor ? shrink * length : ratio <= fine ? length : grow * length;
	if (*reach <= snap * radius)
		*reach = radius;
	size_t j = to_be_replaced(simplex, simplex->step, gain > 0, fmax(radius, *reach / 10));
	if (j <= n)
		replace(simplex, j, simplex->step, value);
	return gain > 0 && j <= n;
}

/* Replaces the farthest vertex by one that widens the simplex, on the side where the model falls. */
static void widen(struct simplex *simplex, size_t j, double reach)
{
	size_t n = simplex->n;
	const double *dual = row(simplex->duals, j, n);
	find_slope(simplex);
	double length = sqrt(dot(dual, dual, n)), side = dot(dual, simplex->slope, n) > 0 ? -1 : 1;
	for (size_t i = 0; i < n; i++)
		simplex->step[i] = side * reach / 2 / length * dual[i];
	double value = look(simplex, simplex->step);
	if (!*simplex->descent->stopped)
		replace(simplex, j, simplex->step, value);
}

static enum tarn_outcome_kind minimize(struct simplex *simplex)
{
	double radius = first_radius, reach = first_radius, longest;
	build(simplex);
	while (!is_over(simplex)) {
		keep_best_first(simplex);
		farthest(simplex, &longest);
		bool tight = longest <= 4 * reach * reach;
		double before = reach;
		bool good = descend(simplex, radius, &reach);
		if (is_over(simplex))
			break;
		size_t far = farthest(simplex, &longest);
		if (!good && !tight && longest > 4 * reach * reach)
			widen(simplex, far, reach);
		else if (!good && tight && fmax(reach, before) <= radius) {
			if (radius <= simplex->last_radius)
				return TARN_OUTCOME_CONVERGED;
			reach = fmax(radius / 2, next_radius(radius, simplex->last_radius));
			radius = next_radius(radius, simplex->last_radius);
		}
	}
	return TARN_OUTCOME_LIMIT;
}

enum tarn_outcome_kind tarn_descent_cobyla(const struct tarn_descent *descent, double *x, int *iterations)
{
	size_t n = descent->n;
	double *memory = tarn_calloc(2 * n * n + 6 * n, sizeof(*memory));
	struct simplex simplex = {
		.descent = descent, .n = n, .best = x, .last_radius = descent->threshold, .edges = memory
	};
	simplex.duals = simplex.edges + n * n;
	simplex.values = simplex.duals + n * n;
	simplex.point = simplex.values + n;
	simplex.step = simplex.point + n;
	simplex.slope = simplex.step + n;
	simplex.along = simplex.slope + n;
	enum tarn_outcome_kind kind = minimize(&simplex);
	*iterations = -1;
	free(memory);
	return kind;
}
