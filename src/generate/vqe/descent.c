#include "generate/vqe/descent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "generate/vqe/random.h"

static double dot(const double *a, const double *b, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static double largest(const double *values, size_t n)
{
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, fabs(values[i]));
	return most;
}

/* ---- along a line (Nocedal and Wright, Numerical Optimization, chapter 3) ---- */

struct line {
	const struct tarn_descent *descent;
	const double *from, *direction;
	double curvature;     /* how much of the slope may be left */
	double value, slope;  /* at the start */
	double *x, *gradient; /* of the point looked at last */
	double at_value, at_slope;
};

static void look(struct line *line, double step)
{
	size_t n = line->descent->n;
	for (size_t i = 0; i < n; i++)
		line->x[i] = line->from[i] + step * line->direction[i];
	line->at_value = line->descent->value(line->descent->context, line->x, line->gradient);
	line->at_slope = dot(line->gradient, line->direction, n);
}

struct look {
	double step, value, slope;
};

/* Where the cubic through both values and slopes is lowest, between them; a's slope leads to b. */
static double cubic_minimum(struct look a, struct look b)
{
	double theta = 3 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope;
	double root = copysign(sqrt(fmax(0, theta * theta - a.slope * b.slope)), b.step - a.step);
	return b.step - (b.step - a.step) * (b.slope + root - theta) / (b.slope - a.slope + 2 * root);
}

/* More and Thuente's guesses (ACM Trans. Math. Softw. 20, 286 (1994), section 4): from a value that is too high, near
 * the low end; from a slope that has turned, the farther one. */
static double guess_between(struct look low, struct look at, bool too_high)
{
	double cubic = cubic_minimum(low, at), width = at.step - low.step;
	if (too_high) {
		double parabola =
			low.step - low.slope * width * width / (2 * (at.value - low.value - low.slope * width));
		return fabs(cubic - low.step) < fabs(parabola - low.step) ? cubic : cubic + (parabola - cubic) / 2;
	}
	double secant = at.step - at.slope * width / (at.slope - low.slope);
	return fabs(cubic - at.step) > fabs(secant - at.step) ? cubic : secant;
}

/* A step that fulfils the strong Wolfe conditions, by bracketing; false where none was found. The accepted point is the
 * one looked at last. */
static bool search_line(struct line *line, double step)
{
	enum { MOST_LOOKS = 30 };
	const double decrease = 1e-4, margin = 0.01;
	struct look low = { 0, line->value, line->slope };
	double high = 0, guess;
	bool bracketed = false;
	for (int looks = 0; looks < MOST_LOOKS && !*line->descent->stopped; looks++) {
		look(line, step);
		struct look at = { step, line->at_value, line->at_slope };
		bool too_high = at.value > line->value + decrease * step * line->slope || at.value >= low.value;
		if (!too_high && fabs(at.slope) <= -line->curvature * line->slope)
			return true;
		bool turned = !too_high && at.slope * (step - low.step) >= 0;
		guess = too_high || turned ? guess_between(low, at, too_high) : (step + high) / 2;
		if (too_high)
			high = step;
		else if (turned)
			high = low.step;
		bracketed = bracketed || too_high || turned;
		if (!too_high)
			low = at;
		double inside = (guess - low.step) / (high - low.step);
		if (!bracketed)
			step *= 2;
		else
			step = inside > margin && inside < 1 - margin ? guess : (low.step + high) / 2;
	}
	return false;
}

/* ---- conjugate gradients (the same, chapter 5) ---- */

enum tarn_outcome_kind tarn_descent_conjugate_gradient(const struct tarn_descent *descent, double *x, int *iterations)
{
	size_t n = descent->n;
	double *memory = tarn_calloc(5 * n, sizeof(double));
	double *gradient = memory, *direction = memory + n, *next_x = memory + 2 * n, *next_gradient = memory + 3 * n;
	double value = descent->value(descent->context, x, gradient), step = 0;
	enum tarn_outcome_kind kind = TARN_OUTCOME_LIMIT;
	for (size_t i = 0; i < n; i++)
		direction[i] = -gradient[i];
	for (*iterations = 0; *iterations < descent->max_iterations && !*descent->stopped; ++*iterations) {
		double slope = dot(gradient, direction, n), length = dot(gradient, gradient, n);
		if (largest(gradient, n) <= descent->threshold) {
			kind = TARN_OUTCOME_CONVERGED;
			break;
		}
		if (slope >= 0)
			for (size_t i = 0; i < n; i++)
				direction[i] = -gradient[i];
		slope = dot(gradient, direction, n);
		struct line line = { descent, x, direction, 0.1, value, slope, next_x, next_gradient, 0, 0 };
		if (!search_line(&line, step > 0 ? step : fmin(1, 1 / sqrt(length)))) {
			kind = TARN_OUTCOME_CONVERGED; /* rounding: nothing lower along a downhill direction */
			break;
		}
		double change = value - line.at_value;
		double turn =
			fmax(0, (dot(next_gradient, next_gradient, n) - dot(next_gradient, gradient, n)) / length);
		step = 2 * change / -slope;
		memcpy(x, next_x, n * sizeof(*x));
		memcpy(gradient, next_gradient, n * sizeof(*gradient));
		for (size_t i = 0; i < n; i++)
			direction[i] = turn * direction[i] - gradient[i];
		value = line.at_value;
	}
	free(memory);
	return kind;
}

/* ---- L-BFGS (the same, chapter 7) ---- */

enum { REMEMBERED = 10 };

/* The last steps and what they changed of the gradient, newest first at `newest`. */
struct memory {
	size_t n, count, newest;
	double *steps, *changes, curvature[REMEMBERED]; /* step . change */
};

static double *remembered(const struct memory *memory, double *values, size_t age)
{
	return values + (memory->newest + REMEMBERED - age) % REMEMBERED * memory->n;
}

static void remember(struct memory *memory, const double *x, const double *next_x, const double *gradient,
		     const double *next_gradient)
{
	memory->newest = (memory->newest + 1) % REMEMBERED;
	double *step = remembered(memory, memory->steps, 0), *change = remembered(memory, memory->changes, 0);
	for (size_t i = 0; i < memory->n; i++) {
		step[i] = next_x[i] - x[i];
		change[i] = next_gradient[i] - gradient[i];
	}
	memory->curvature[memory->newest] = dot(step, change, memory->n);
	memory->count = memory->curvature[memory->newest] > 0 ? memory->count + (memory->count < REMEMBERED) : 0;
}

/* direction = -(inverse Hessian as remembered) gradient, by the two loops. */
static void quasi_newton(const struct memory *memory, const double *gradient, double *direction)
{
	double weights[REMEMBERED];
	size_t n = memory->n;
	for (size_t i = 0; i < n; i++)
		direction[i] = -gradient[i];
	for (size_t age = 0; age < memory->count; age++) {
		const double *step = remembered(memory, memory->steps, age),
			     *change = remembered(memory, memory->changes, age);
		weights[age] =
			dot(step, direction, n) / memory->curvature[(memory->newest + REMEMBERED - age) % REMEMBERED];
		for (size_t i = 0; i < n; i++)
			direction[i] -= weights[age] * change[i];
	}
	if (memory->count) {
		const double *change = remembered(memory, memory->changes, 0);
		double scale = memory->curvature[memory->newest] / dot(change, change, n);
		for (size_t i = 0; i < n; i++)
			direction[i] *= scale;
	}
	for (size_t age = memory->count; age-- > 0;) {
		const double *step = remembered(memory, memory->steps, age),
			     *change = remembered(memory, memory->changes, age);
		double back =
			dot(change, direction, n) / memory->curvature[(memory->newest + REMEMBERED - age) % REMEMBERED];
		for (size_t i = 0; i < n; i++)
			direction[i] += (weights[age] - back) * step[i];
	}
}

enum tarn_outcome_kind tarn_descent_lbfgs(const struct tarn_descent *descent, double *x, int *iterations)
{
	size_t n = descent->n;
	double *room = tarn_calloc((4 + 2 * REMEMBERED) * n, sizeof(double));
	double *gradient = room, *direction = room + n, *next_x = room + 2 * n, *next_gradient = room + 3 * n;
	struct memory memory = { .n = n, .steps = room + 4 * n, .changes = room + (4 + REMEMBERED) * n };
	double value = descent->value(descent->context, x, gradient);
	enum tarn_outcome_kind kind = TARN_OUTCOME_LIMIT;
	for (*iterations = 0; *iterations < descent->max_iterations && !*descent->stopped; ++*iterations) {
		double length = sqrt(dot(gradient, gradient, n));
		if (largest(gradient, n) <= descent->threshold) {
			kind = TARN_OUTCOME_CONVERGED;
			break;
		}
		quasi_newton(&memory, gradient, direction);
		struct line line = { descent,	    x, direction, 0.9, value, dot(gradient, direction, n), next_x,
				     next_gradient, 0, 0 };
		bool found = line.slope < 0 && search_line(&line, memory.count ? 1 : 1 / length);
		if (!found && memory.count) {
			memory.count = 0; /* rounding spoils what is remembered: begin anew from here */
			continue;
		}
		double change = value - line.at_value;
		if (!found || change <= descent->threshold * fmax(fabs(value), 1)) {
			kind = TARN_OUTCOME_CONVERGED;
			if (found)
				memcpy(x, next_x, n * sizeof(*x));
			break;
		}
		remember(&memory, x, next_x, gradient, next_gradient);
		memcpy(x, next_x, n * sizeof(*x));
		memcpy(gradient, next_gradient, n * sizeof(*gradient));
		value = line.at_value;
	}
	free(room);
	return kind;
}

/* ---- SPSA: gains of Spall's guidelines (Johns Hopkins APL Tech. Dig. 19, 482 (1998)) ---- */

static void draw_signs(struct tarn_random *random, double *signs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		signs[i] = tarn_random_next(random) >> 63 ? 1 : -1;
}

static double value_moved(const struct tarn_descent *descent, const double *x, const double *signs, double by,
			  double *work)
{
	for (size_t i = 0; i < descent->n; i++)
		work[i] = x[i] + by * signs[i];
	return descent->value(descent->context, work, NULL);
}

enum tarn_outcome_kind tarn_descent_spsa(const struct tarn_descent *descent, double *x, int *iterations)
{
	const double alpha = 0.602, gamma = 0.101, perturbation = 0.1, first_move = 0.1;
	enum { CALIBRATIONS = 5 };
	size_t n = descent->n;
	double *memory = tarn_calloc(2 * n, sizeof(double)), *signs = memory, *work = memory + n;
	double stability = 0.1 * descent->max_iterations, slope = 0;
	struct tarn_random random;
	tarn_random_seed(&random, descent->seed);
	for (int i = 0; i < CALIBRATIONS && !*descent->stopped; i++) {
		draw_signs(&random, signs, n);
		double up = value_moved(descent, x, signs, perturbation, work);
		slope += fabs(up - value_moved(descent, x, signs, -perturbation, work)) /
			 (2 * perturbation * CALIBRATIONS);
	}
	double gain = slope > 0 ? first_move * pow(stability + 1, alpha) / slope : 0;
	for (*iterations = 0; *iterations < descent->max_iterations && !*descent->stopped; ++*iterations) {
		double a = gain / pow(*iterations + 1 + stability, alpha),
		       c = perturbation / pow(*iterations + 1, gamma);
		draw_signs(&random, signs, n);
		double up = value_moved(descent, x, signs, c, work), down = value_moved(descent, x, signs, -c, work);
		if (*descent->stopped)
			break;
		for (size_t i = 0; i < n; i++)
			x[i] -= a * (up - down) / (2 * c) * signs[i];
	}
	free(memory);
	return TARN_OUTCOME_LIMIT;
}

/* ---- Adam ---- */

enum tarn_outcome_kind tarn_descent_adam(const struct tarn_descent *descent, double *x, int *iterations)
{
	const double rate = 0.05, beta1 = 0.9, beta2 = 0.999, small = 1e-8;
	size_t n = descent->n;
	double *memory = tarn_calloc(3 * n, sizeof(double)), *gradient = memory, *mean = memory + n,
	       *square = memory + 2 * n;
	enum tarn_outcome_kind kind = TARN_OUTCOME_LIMIT;
	for (*iterations = 0; *iterations < descent->max_iterations; ++*iterations) {
		descent->value(descent->context, x, gradient);
		if (*descent->stopped)
			break;
		if (largest(gradient, n) <= descent->threshold) {
			kind = TARN_OUTCOME_CONVERGED;
			break;
		}
		double correct1 = 1 - pow(beta1, *iterations + 1), correct2 = 1 - pow(beta2, *iterations + 1);
		for (size_t i = 0; i < n; i++) {
			mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i];
			square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
			x[i] -= rate * (mean[i] / correct1) / (sqrt(square[i] / correct2) + small);
		}
	}
	free(memory);
	return kind;
}
