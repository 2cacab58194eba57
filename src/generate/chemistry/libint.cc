#include "generate/chemistry/libint.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <libint2.hpp>
#include <mutex>
#include <vector>

namespace {

using Shells = std::vector<libint2::Shell>;

Shells make_shells(const tarn_libint_input &input)
{
	Shells shells;
	for (size_t i = 0; i < input.n_shells; i++) {
		const tarn_libint_shell &shell = input.shells[i];
		libint2::svector<double> exponents(shell.exponents, shell.exponents + shell.n_primitives);
		libint2::svector<double> coefficients(shell.coefficients, shell.coefficients + shell.n_primitives);
		libint2::Shell::Contraction contraction{ shell.angular_momentum, true, std::move(coefficients) };
		shells.push_back(libint2::Shell{ std::move(exponents),
						 { std::move(contraction) },
						 { { shell.center[0], shell.center[1], shell.center[2] } } });
	}
	return shells;
}

std::vector<size_t> first_functions(const Shells &shells)
{
	std::vector<size_t> first{ 0 };
	for (const auto &shell : shells)
		first.push_back(first.back() + shell.size());
	return first;
}

size_t most_primitives(const Shells &shells)
{
	size_t most = 1;
	for (const auto &shell : shells)
		most = std::max(most, shell.nprim());
	return most;
}

int largest_momentum(const Shells &shells)
{
	int largest = 0;
	for (const auto &shell : shells)
		largest = std::max(largest, shell.contr[0].l);
	return largest;
}

void one_body(libint2::Engine &engine, const Shells &shells, double *out)
{
	const auto first = first_functions(shells);
	const size_t n = first.back();
	const auto &results = engine.results();
	for (size_t a = 0; a < shells.size(); a++) {
		for (size_t b = 0; b <= a; b++) {
			engine.compute(shells[a], shells[b]);
			const double *block = results[0];
			for (size_t i = first[a], at = 0; i < first[a + 1]; i++)
				for (size_t j = first[b]; j < first[b + 1]; j++, at++)
					out[i * n + j] = out[j * n + i] = block ? block[at] : 0;
		}
	}
}

void put_symmetric(double *out, size_t n, size_t p, size_t q, size_t r, size_t s, double value)
{
	auto at = [=](size_t a, size_t b, size_t c, size_t d) -> double & { return out[((a * n + b) * n + c) * n + d]; };
	at(p, q, r, s) = at(q, p, r, s) = at(p, q, s, r) = at(q, p, s, r) = value;
	at(r, s, p, q) = at(s, r, p, q) = at(r, s, q, p) = at(s, r, q, p) = value;
}

void two_body(libint2::Engine &engine, const Shells &shells, double *out)
{
	const auto first = first_functions(shells);
	const size_t n = first.back();
	const auto &results = engine.results();
	for (size_t a = 0; a < shells.size(); a++)
		for (size_t b = 0; b <= a; b++)
			for (size_t c = 0; c <= a; c++)
				for (size_t d = 0; d <= c; d++) {
					engine.compute(shells[a], shells[b], shells[c], shells[d]);
					const double *block = results[0];
					size_t at = 0;
					for (size_t p = first[a]; p < first[a + 1]; p++)
						for (size_t q = first[b]; q < first[b + 1]; q++)
							for (size_t r = first[c]; r < first[c + 1]; r++)
								for (size_t s = first[d]; s < first[d + 1]; s++, at++)
									put_symmetric(out, n, p, q, r, s, block ? block[at] : 0);
				}
}

void compute(const tarn_libint_input &input, double *overlap, double *kinetic, double *nuclear, double *repulsion)
{
	static std::once_flag once;
	std::call_once(once, [] { libint2::initialize(); });
	const Shells shells = make_shells(input);
	const size_t primitives = most_primitives(shells);
	const int momentum = largest_momentum(shells);
	auto engine = [&](libint2::Operator op) {
		libint2::Engine made(op, primitives, momentum, 0);
		made.set_precision(1e-16);
		return made;
	};
	auto overlaps = engine(libint2::Operator::overlap), kinetics = engine(libint2::Operator::kinetic),
	     nuclears = engine(libint2::Operator::nuclear), repulsions = engine(libint2::Operator::coulomb);
	std::vector<std::pair<double, std::array<double, 3>>> charges;
	for (size_t i = 0; i < input.n_atoms; i++)
		charges.push_back({ static_cast<double>(input.charges[i]),
				    { { input.coords[3 * i], input.coords[3 * i + 1], input.coords[3 * i + 2] } } });
	nuclears.set_params(charges);
	one_body(overlaps, shells, overlap);
	one_body(kinetics, shells, kinetic);
	one_body(nuclears, shells, nuclear);
	two_body(repulsions, shells, repulsion);
}

} // namespace

int tarn_libint_compute(const tarn_libint_input *input, double *overlap, double *kinetic, double *nuclear,
			double *repulsion, char *message, size_t message_size)
{
	try {
		compute(*input, overlap, kinetic, nuclear, repulsion);
		return 0;
	} catch (const std::exception &failure) {
		std::snprintf(message, message_size, "libint: %s", failure.what());
		return -1;
	}
}
