"""The rows of the tables: what is tested in each cell."""
# ruff: noqa: ARG005, PLW0108

import numpy as np
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

import sklearn_neuron as ours
from feature_table import checks as the
from feature_table import models
from feature_table.checks import EARLY
from feature_table.models import MAKE, NUMBERS, RARE, X, fit, net, network, own, several, works, y
from sklearn_neuron.activations import Logistic, Tanh
from sklearn_neuron.inspection import backprop_trace, check_gradient
from sklearn_neuron.losses import CrossEntropy, SquaredError
from sklearn_neuron.schedules import Cosine

try:
    import torch
    from skorch import callbacks, dataset, helper
    from torch import nn, optim
except ImportError:
    pass

COLUMNS = ["mlps", "neurons", "mlp", "sgd", "logistic", "skorch", "mlxtend"]  # the page's
ROWS = {}


def row(name, pattern="", both=None, **tries):
    """Add a row: a try is a dict of parameters, a check, or one of these behind how."""
    ROWS[name] = pattern, {**({"mlps": both, "neurons": both} if both else {}), **tries}


def no_hidden_layers(column):
    """Return "–" for a model that has none, after a look at its parameters."""
    return "–" if "hidden_layer_sizes" not in MAKE[column]().get_params() else None


LINEAR = dict.fromkeys(("neurons", "sgd", "logistic"), no_hidden_layers)

# fmt: off
# ---- validation and stopping ----
row(
    "validation data passed to fit", r"_val$|eval_set|valid\w*_data",
    both=lambda c: len(fit(c, given=models.HELD_OUT).validation_scores_) == 20,
    skorch=("constructor", lambda c: len(fit(c, train_split=helper.predefined_split(
        dataset.Dataset(X[:30].astype("f"), y[:30]))).history[:, "valid_loss"]) == 20),
)
row(
    "automatic stratified validation split", r"validation_fraction|train_split",
    both=the.stratifies, sgd=("not with a class of one sample", the.refuses_rare),
    mlp=("two classes only", lambda c: the.refuses_rare(c, RARE // 3) > the.refuses_rare(c)),
    skorch=lambda c: fit(c, y=RARE, module=network(out=4)).history[-1, "valid_loss"] > 0,
)
row(
    "validation loss of each epoch", r"valid\w*_loss",
    both=lambda c: len(fit(c, early_stopping=True).validation_loss_curve_) == 20,
    skorch=lambda c: len(fit(c).history[:, "valid_loss"]) == 20,
)
row(
    "validation score of each epoch", r"valid\w*_score",
    both=lambda c: len(fit(c, early_stopping=True).validation_scores_) == 20,
    mlp=lambda c: len(fit(c, early_stopping=True).validation_scores_) == 20,
    skorch=lambda c: len(fit(c).history[:, "valid_acc"]) == 20,
)
row(
    "best epoch restored", r"restore|load_best|best_iter|best_epoch",
    both=the.restores, mlp=the.restores, sgd=the.restores,
    skorch=("callback", the.torch_restores),
)
row(
    "early stopping", r"early_stop|patience",
    both=lambda c: fit(c, **EARLY).n_iter_ < 500,
    mlp=lambda c: fit(c, **EARLY).n_iter_ < 500,
    sgd=lambda c: fit(c, **EARLY).n_iter_ < 500,
    skorch=("callback", lambda c: len(fit(c, y=models.NOISE, max_epochs=300, callbacks=[
        callbacks.EarlyStopping()]).history) < 300),
)
row(
    "scikit-learn callbacks (`set_callbacks`)", r"^set_callbacks$",
    both=the.calls_back, logistic=the.calls_back,
    skorch=("its own", the.torch_restores),
)
# ---- optimizers and learning rates ----
row(
    "momentum, Nesterov momentum", r"momentum|nesterov",
    both=several(momentum={"solver": ours.SGD(0.9), "base": {"solver": "sgd"}},
                 Nesterov={"solver": ours.SGD(0.9, True), "base": {"solver": ours.SGD(0.9)}}),
    mlp=several(momentum={"momentum": 0.5, "base": {"solver": "sgd", "momentum": 0}},
                Nesterov={"nesterovs_momentum": False, "base": {"solver": "sgd"}}),
    skorch=("torch", lambda c: several(
        momentum={"optimizer__momentum": 0.9},
        Nesterov={"optimizer__nesterov": True, "base": {"optimizer__momentum": 0.9}})(c)),
    mlxtend=several(momentum={"momentum": 0.01}, Nesterov={"nesterov": True}),
)
row(
    "Adam, AdamW, RMSprop", r"adam|rmsprop",
    both=several(Adam={"solver": "adam", "base": {"solver": "sgd"}},
                 AdamW={"solver": ours.AdamW(weight_decay=0.5), "base": {"solver": "adam"}},
                 RMSprop={"solver": ours.RMSprop(), "base": {"solver": "sgd"}}),
    mlp=several(Adam={"solver": "adam", "base": {"solver": "sgd"}},
                AdamW={"solver": "adamw"}, RMSprop={"solver": "rmsprop"}),
    skorch=("torch", lambda c: several(
        Adam={"optimizer": optim.Adam}, AdamW={"optimizer": optim.AdamW},
        RMSprop={"optimizer": optim.RMSprop})(c)),
)
row(
    "L-BFGS", r"lbfgs",
    both={"solver": "lbfgs"}, mlp={"solver": "lbfgs"},
    logistic={"solver": "lbfgs", "base": {"solver": "sag"}}, sgd={"solver": "lbfgs"},
    skorch=("torch", lambda c: works(c, optimizer=optim.LBFGS, batch_size=-1)),
)
rule = {"tol": 10.0, "n_iter_no_change": 2}
row(
    "learning rate schedules: inverse scaling, cosine with warm-up, plateaus, exponential",
    r"schedule|learning_rate|decay|decrease",
    both=several(inverse_scaling={"schedule": "invscaling"},
                 exponential={"schedule": "exponential"}, cosine={"schedule": Cosine(warmup=3)},
                 plateaus={"schedule": "adaptive", "base": rule}),
    mlp=several(
        inverse_scaling={"learning_rate": "invscaling", "base": {"solver": "sgd"}},
        plateaus={"learning_rate": "adaptive", "base": {"solver": "sgd", **rule}},
        cosine={"learning_rate": "cosine"}, exponential={"learning_rate": "exponential"}),
    sgd=several(
        inverse_scaling={"learning_rate": "invscaling", "eta0": 0.1, "base": {}},
        plateaus={"learning_rate": "adaptive", "eta0": 0.1, "base": {**rule}},
        cosine={"learning_rate": "cosine"}, exponential={"learning_rate": "exponential"}),
    skorch=("callback", lambda c: several(**{n: {"callbacks": [callbacks.LRScheduler(p, **k)]}
            for n, p, k in the.rates()})(c)),
    mlxtend=("its own decay", {"decrease_const": 0.01}),
)
row(
    "weight averaging", r"averag",
    both={"solver": ours.SGD(average=True), "base": {"solver": "sgd"}}, sgd={"average": True},
    skorch=("custom callback", the.torch_averages),
)
row(
    "best of several random initializations", r"^n_init$|restarts",
    mlps={"n_init": 10, "base": {"random_state": 1}},  # with 0 the first is the best of ten
    neurons=lambda c: "–" if not np.any(fit(c, record="epoch").start_["coef"]) else None,
)
# ---- regularization ----
row(
    "L2 penalty", both=the.shrinks(alpha=0.1), mlp=the.shrinks({"solver": "lbfgs"}, alpha=30.0),
    sgd=the.shrinks(alpha=0.1), logistic=the.shrinks(C=0.01),
    skorch=("torch", the.shrinks(optimizer__weight_decay=0.1)), mlxtend=the.shrinks(l2=1.0),
)
row(
    "elastic net with exact zeros", r"^l1|elastic", neurons=the.zeros(alpha=0.2, l1_ratio=0.9),
    sgd=the.zeros(alpha=0.2, l1_ratio=0.9, penalty="elasticnet"),
    logistic=the.zeros(C=0.03, l1_ratio=0.9, solver="saga", max_iter=500),
    mlxtend=the.zeros(l1=10.0), skorch=("custom callback", the.torch_zeros),
)
row(
    "dropout", r"drop", mlps={"dropout": 0.5}, mlp={"dropout": 0.5}, **LINEAR,
    skorch=("torch", lambda c: works(c, module=network(nn.ReLU(), nn.Dropout(0.5)))),
    mlxtend={"dropout": 0.5},
)
row(
    "label smoothing", r"smooth", both={"loss": CrossEntropy(label_smoothing=0.2)},
    skorch=("torch", {"criterion__label_smoothing": 0.2}),
)
row(
    "gradient clipping", r"clip|max_norm",
    both={"solver": ours.SGD(max_norm=0.01), "base": {"solver": "sgd"}},
    skorch=("callback", lambda c: works(c, callbacks=[callbacks.GradientNormClipping(0.01)])),
)
# ---- activations and losses ----
own_activation = own(Tanh, forward=the.half_tanh, with_derivative=the.half_tanh_with_slope)()
own_loss = own(SquaredError, value=the.half_square, delta=the.half_delta)
row(
    "one activation per hidden layer", r"activations", **LINEAR,
    mlps={"hidden_layer_sizes": (8, 8), "activation": ["relu", "tanh"]},
    mlp={"hidden_layer_sizes": (8, 8), "activation": ["relu", "tanh"]},
    skorch=("torch", lambda c: works(c, module=network(nn.ReLU(), nn.Linear(8, 8), nn.Tanh()))),
)
MORE = {"GELU": "gelu", "SiLU": "silu", "ELU": "elu", "SELU": "selu", "leaky ReLU": "leaky_relu",
        "softplus": "softplus"}
row(
    "GELU, SiLU, ELU, SELU, leaky ReLU, softplus", r"[^r]elu|silu|softplus", **LINEAR,
    mlps=several(**{name: {"activation": key} for name, key in MORE.items()}),
    mlp=several(**{name: {"activation": key} for name, key in MORE.items()}),
    skorch=("torch", lambda c: several(**{name: {"module": network(getattr(
        nn, name.title().replace(" R", "R") if " " in name else name, nn.Softplus)())}
        for name in MORE})(c)),
)
row(
    "custom activation", r"activation", **LINEAR, mlps={"activation": own_activation},
    mlp={"activation": np.tanh},
    skorch=("torch", lambda c: works(c, module=network(own(
        nn.Module, forward=lambda self, z: z.sin())()))),
)
row(
    "custom loss function", r"^loss$|criterion",
    mlps={"make": NUMBERS, "y": models.targets, "loss": own_loss(), "base": {"solver": "sgd"}},
    neurons=("regressor", {"make": NUMBERS, "y": models.targets, "loss": own_loss(Logistic()),
                           "base": {"eta": 0.1}}),  # the automatic one undoes a factor
    mlp={"make": NUMBERS, "loss": own_loss()}, sgd={"make": NUMBERS, "loss": own_loss()},
    skorch=("torch", lambda c: works(c, criterion=own(
        nn.CrossEntropyLoss, forward=lambda self, z, y: z.square().mean()))),
)
LOSSES = ["absolute", "Huber", "Poisson", "quantile"]
y1 = models.targets[:, 0]


def losses(**of):
    return several(**{name: {"make": NUMBERS, "y": y1, **of.get(name, {"loss": name.lower()})}
                      for name in LOSSES})


row(
    "regression: absolute, Huber, Poisson, quantile loss", r"^loss$",
    mlps=losses(absolute={"loss": "absolute_error"}), neurons=losses(), mlp=losses(),
    sgd=losses(absolute={"loss": "epsilon_insensitive", "epsilon": 0.0}),
    skorch=("torch", lambda c: losses(
        absolute={"criterion": nn.L1Loss}, Huber={"criterion": nn.HuberLoss},
        Poisson={"criterion": nn.PoissonNLLLoss})(c)),
)
# ---- data ----
weighted = {"given": {"sample_weight": np.arange(1.0, 121.0)}}
row(
    "sample weights", r"sample_weight",
    both=weighted, mlp=weighted, sgd=weighted, logistic=weighted,
    skorch=("custom loss", the.torch_weighs_rows),
)
by_class = {"class_weight": {0: 1, 1: 2, 2: 5}}
row(
    "class weights", r"class_weight", both=by_class, sgd=by_class, logistic=by_class,
    skorch=("torch", lambda c: works(c, criterion__weight=torch.tensor([1.0, 2.0, 5.0]))),
)
wrapped = ("wrapper", the.columns_of(models.labels, wrapper=MultiOutputClassifier))
row(
    "multilabel classification", mlps=the.columns_of(models.labels), neurons=wrapped,
    mlp=the.columns_of(models.labels), sgd=wrapped, logistic=wrapped, mlxtend=wrapped,
    skorch=("torch", lambda c: the.columns_of(models.labels * 1.0, {c: lambda: net(
        "NeuralNet", network(out=2), predict_nonlinearity=None,
        criterion=nn.BCEWithLogitsLoss)})(c)),
)
row(
    "multi-output regression", r"multi_?output", both=the.columns_of(models.targets, NUMBERS),
    mlp=the.columns_of(models.targets, NUMBERS),
    sgd=("wrapper", the.columns_of(models.targets, NUMBERS, MultiOutputRegressor)),
    logistic=lambda c: "–",
    skorch=("torch", lambda c: the.columns_of(models.targets, NUMBERS, module=network(out=2))(c)),
    mlxtend=the.columns_of(models.targets, NUMBERS),
)
row("sparse input", **dict.fromkeys(COLUMNS, the.reads_sparse))
row("float32 preserved", **dict.fromkeys(COLUMNS, the.keeps_float32))
# ---- resuming, inspection and compatibility ----
row(
    "incremental fitting", r"partial_fit",
    mlxtend=("`init_params=False`", the.goes_on),
    **dict.fromkeys(("mlps", "neurons", "mlp", "sgd", "skorch"), the.goes_on),
)
row(
    "warm start keeps the optimizer state",
    mlps=the.resumes(shuffle=False, warm_start=True),
    neurons=the.resumes(shuffle=False, warm_start=True, solver="adam"),
    mlp=the.resumes(shuffle=False, warm_start=True),
    sgd=the.resumes(shuffle=False, warm_start=True, learning_rate="invscaling", eta0=0.1),
    logistic=the.resumes(warm_start=True),
    skorch=the.resumes(warm_start=True, optimizer__momentum=0.9),
    mlxtend=the.resumes(momentum=0.01),
)
row(
    "usable model after an interrupted fit",
    both=the.survives(max_iter=10**6), mlp=the.survives(max_iter=10**6, batch_size=1, tol=0.0),
    sgd=the.survives(max_iter=20_000),
    logistic=the.survives(solver="saga", tol=0.0, max_iter=10**5),
    skorch=the.survives(max_epochs=10**6, batch_size=1), mlxtend=the.survives(epochs=10**6),
)
row(
    "parameters recorded per epoch or per step", r"^record|history_$",
    both=lambda c: all(len(fit(c, record=every, batch_size=60).history_["eta"]) == n
                       for every, n in (("epoch", 20), ("step", 40))),
    skorch=("callback", the.torch_saves),
)
row(
    "gradient check, backpropagation trace", r"grad|trace",
    both=lambda c: check_gradient(m := fit(c), X, y).passed and bool(repr(backprop_trace(m, X, y))),
    skorch=("torch", the.torch_checks_gradient),
)
row("conversion to ONNX",
    both=the.exports("sklearn_neuron"), mlxtend=the.exports("skl2onnx"),
    skorch=("torch", the.exports("torch")),
    **dict.fromkeys(("mlp", "sgd", "logistic"), ("skl2onnx", the.exports("skl2onnx"))))
row("training on a Dask cluster", r"dask|cluster", both=the.trains_on_a_cluster)
row("works without torch", both=the.imports("sklearn_neuron"), skorch=the.imports("skorch"),
    mlxtend=the.imports("mlxtend.classifier"),
    **dict.fromkeys(("mlp", "sgd", "logistic"), the.imports("sklearn.linear_model")))
row(
    "scikit-learn estimator checks",
    mlps=the.passes(ours.ManualMLPClassifier(), ours.ManualMLPRegressor()),
    neurons=the.passes(ours.LogisticNeuronClassifier(), ours.SigmoidNeuronRegressor(),
                       ours.PerceptronClassifier()),
    mlp=the.passes(MLPClassifier(), MLPRegressor()),
    sgd=the.passes(SGDClassifier(), SGDRegressor()),
    logistic=the.passes(LogisticRegression()), skorch=lambda c: the.passes(net())(c),
    mlxtend=lambda c: the.passes(models.MultiLayerPerceptron())(c),
)
# fmt: on
