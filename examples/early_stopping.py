"""Stop on a validation set of your own, watch each epoch, and draw the curves.

Needs scikit-learn and matplotlib.  Runs in a second:  python examples/early_stopping.py
"""
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastopt.linear_model import SGDClassifier

X, y = load_digits(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
scaler = StandardScaler().fit(X_train)
X_train, X_valid = scaler.transform(X_train), scaler.transform(X_valid)


def show(intermediate_result):
    """Called after each epoch; raising StopIteration would end the fit here."""
    epoch = intermediate_result.nit
    if epoch <= 3 or epoch % 5 == 0:
        print(f"epoch {epoch:3d}  loss {intermediate_result.fun:.4f}  accuracy {intermediate_result.validation_score:.4f}")


model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.002, early_stopping=True, restore_best=True,
                      n_iter_no_change=10, tol=1e-4, max_iter=200, random_state=0)
model.fit(X_train, y_train, eval_set=(X_valid, y_valid), callback=show)
best = max(range(model.n_iter_), key=model.validation_curve_.__getitem__)
print(f"stopped after {model.n_iter_} epochs; the weights are those of epoch {best + 1}, "
      f"accuracy {model.score(X_valid, y_valid):.4f}")

figure, (above, below) = plt.subplots(2, sharex=True, layout="constrained")
epochs = range(1, model.n_iter_ + 1)
above.plot(epochs, model.loss_curve_)
above.set_ylabel("training loss")
below.plot(epochs, model.validation_curve_, color="tab:orange")
below.axvline(best + 1, color="gray", linestyle="--")
below.set(xlabel="epoch", ylabel="validation accuracy")
figure.savefig("early-stopping.png")
print("curves in early-stopping.png")
